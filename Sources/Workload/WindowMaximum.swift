extension Float {
  /// The maximum pool's step: `next` where it is larger or NaN, else `current`. So the first of equal values
  /// stays (+0 and −0 are equal), and one NaN makes the whole window NaN.
  @inlinable public static func windowMaximum(_ current: Float, _ next: Float) -> Float {
    next > current || next.isNaN ? next : current
  }
}
