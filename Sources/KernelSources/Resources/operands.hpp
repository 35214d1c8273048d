// The chain's tensors as the emulated kernel takes them.
#pragma once
#include "block.cuh"
#include "chain_abi.h"

namespace {

template <class A> fcm::Operands<A> operands_of(const fuselab_chain &chain) {
  const fuselab_chain_operands &o = chain.operands;
  fcm::Operands<A> g{};
  for (int i = 0; i < 2; ++i) {
    if (o.ifm[i] >= 0) g.ifm[i] = emu::tensor<const typename A::Element>(o.ifm[i]);
  }
  for (int i = 0; i < fcm::maximum_stages; ++i) {
    if (o.weights[i] >= 0) g.weights[i] = emu::tensor<const typename A::Element>(o.weights[i]);
    if (o.bias[i] >= 0) g.bias[i] = emu::tensor<const typename A::Bias>(o.bias[i]);
    if (o.residual[i] >= 0) g.residual[i] = emu::tensor<const typename A::Element>(o.residual[i]);
    if (o.multipliers[i] >= 0) g.multipliers[i] = emu::tensor<const typename A::Multiplier>(o.multipliers[i]);
  }
  g.ofm = emu::tensor<typename A::Element>(o.ofm);
  g.tables = chain.tables;
  return g;
}

}  // namespace
