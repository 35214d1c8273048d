import Comparison
import ModelFiles
import TestSupport
import Testing
import Workload

/// What `compare --ncu` does with files that are not what they should be.
@Suite struct DamagedProfileTests {
  /// Joins them; there must be a comparison of numbers or an error with a text, and never a trap.
  private func join(_ simulation: String, _ profile: [UInt8]) throws -> Bool {
    do {
      let comparison = try ProfileComparison(
        ResultFile.parse(text: simulation, path: "a"),
        NCUFile.parse(text: try FileReader.text(of: profile, path: "b"), path: "b"))
      for row in comparison.rows {
        let numbers = [
          row.error.predicted, row.error.measured, row.error.weightedError,
          row.error.normalisedRootMeanSquare, row.error.worst.relativeError, row.error.worst.spread,
        ]
        #expect(numbers.allSatisfy { $0?.isNaN != true })
      }
      return true
    } catch let error as FileErrors {
      #expect(!error.description.isEmpty && error.description.utf8.count < 60_000)
    } catch let error as ProfileError {
      #expect(!error.description.isEmpty)
    }
    return false
  }

  @Test("600 damaged profiles and 600 with odd numbers are joined or refused, and some of each are")
  func profiles() throws {
    let joined = try accepted(of: 1200, damaging: ProfileComparisonTests.profile, seed: 500) {
      try join(ProfileComparisonTests.simulation, $0)
    }
    #expect((100..<1200).contains(joined))
  }

  @Test("400 simulations with odd numbers are joined or refused")
  func simulations() throws {
    var generator = SeededGenerator(seed: 501)
    var joined = 0
    for _ in 0..<400 {
      let simulation = withOddNumbers(ProfileComparisonTests.simulation, &generator)
      joined += try join(simulation, Array(ProfileComparisonTests.profile.utf8)) ? 1 : 0
    }
    #expect((1..<400).contains(joined))
  }
}
