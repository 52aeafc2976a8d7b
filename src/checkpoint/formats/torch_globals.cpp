// The names that a PyTorch checkpoint's pickle may have: those of torch.load(weights_only=True) in torch 2.15
// (torch/_weights_only_unpickler.py, _get_allowed_globals), and argparse's Namespace, which timm allows, too.
#include <algorithm>
#include <array>

#include "checkpoint/formats/state_dict.hpp"

namespace fovea {
namespace {

using Role = PickleGlobal::Role;

constexpr std::array kCalled{
    PickleGlobal{"collections.OrderedDict", Role::kDict}, PickleGlobal{"argparse.Namespace", Role::kOpaque},
    PickleGlobal{"collections.Counter", Role::kValue}, PickleGlobal{"_codecs.encode", Role::kValue},
    PickleGlobal{"__builtin__.set", Role::kValue}, PickleGlobal{"builtins.set", Role::kValue},
    PickleGlobal{"__builtin__.frozenset", Role::kValue}, PickleGlobal{"builtins.frozenset", Role::kValue},
    PickleGlobal{"__builtin__.bytearray", Role::kValue}, PickleGlobal{"builtins.bytearray", Role::kValue},
    PickleGlobal{"__builtin__.bytes", Role::kValue}, PickleGlobal{"builtins.bytes", Role::kValue},
    PickleGlobal{"__builtin__.complex", Role::kValue}, PickleGlobal{"builtins.complex", Role::kValue},
    PickleGlobal{"torch.Size", Role::kValue}, PickleGlobal{"torch.device", Role::kValue},
    PickleGlobal{"torch.serialization._get_layout", Role::kValue},
    // What TorchScript writes.
    PickleGlobal{"__torch__.*", Role::kObject}, PickleGlobal{"torch.jit._pickle.*", Role::kValue},
    // What makes a tensor; some are refused by name where a weight is made so.
    PickleGlobal{kRebuildTensor, Role::kFunction}, PickleGlobal{kRebuildOldTensor, Role::kFunction},
    PickleGlobal{kRebuildParameter, Role::kFunction}, PickleGlobal{kRebuildParameterWithState, Role::kFunction},
    PickleGlobal{kRebuildFromType, Role::kFunction}, PickleGlobal{"torch._utils._rebuild_tensor_v3", Role::kFunction},
    PickleGlobal{"torch._utils._rebuild_qtensor", Role::kFunction},
    PickleGlobal{"torch._utils._rebuild_sparse_tensor", Role::kFunction},
    PickleGlobal{"torch._utils._rebuild_meta_tensor_no_storage", Role::kFunction},
    PickleGlobal{"torch._utils._rebuild_wrapper_subclass", Role::kFunction},
    PickleGlobal{"torch._utils._rebuild_device_tensor_from_numpy", Role::kFunction},
    PickleGlobal{"torch._utils._rebuild_device_tensor_from_cpu_tensor", Role::kFunction}};

// Types, which are named and never called.
constexpr std::array<std::string_view, 123> kTypes{"torch.BFloat16Storage",
                                                   "torch.BFloat16Tensor",
                                                   "torch.BoolStorage",
                                                   "torch.BoolTensor",
                                                   "torch.ByteStorage",
                                                   "torch.ByteTensor",
                                                   "torch.CharStorage",
                                                   "torch.CharTensor",
                                                   "torch.ComplexDoubleStorage",
                                                   "torch.ComplexFloatStorage",
                                                   "torch.DoubleStorage",
                                                   "torch.DoubleTensor",
                                                   "torch.FloatStorage",
                                                   "torch.FloatTensor",
                                                   "torch.HalfStorage",
                                                   "torch.HalfTensor",
                                                   "torch.IntStorage",
                                                   "torch.IntTensor",
                                                   "torch.LongStorage",
                                                   "torch.LongTensor",
                                                   "torch.QInt32Storage",
                                                   "torch.QInt8Storage",
                                                   "torch.QUInt2x4Storage",
                                                   "torch.QUInt4x2Storage",
                                                   "torch.QUInt8Storage",
                                                   "torch.ShortStorage",
                                                   "torch.ShortTensor",
                                                   "torch.Tensor",
                                                   "torch.bcomplex32",
                                                   "torch.bfloat16",
                                                   "torch.bits16",
                                                   "torch.bits1x8",
                                                   "torch.bits2x4",
                                                   "torch.bits4x2",
                                                   "torch.bits8",
                                                   "torch.bool",
                                                   "torch.complex128",
                                                   "torch.complex32",
                                                   "torch.complex64",
                                                   "torch.cuda.BFloat16Storage",
                                                   "torch.cuda.BFloat16Tensor",
                                                   "torch.cuda.BoolStorage",
                                                   "torch.cuda.BoolTensor",
                                                   "torch.cuda.ByteStorage",
                                                   "torch.cuda.ByteTensor",
                                                   "torch.cuda.CharStorage",
                                                   "torch.cuda.CharTensor",
                                                   "torch.cuda.ComplexDoubleStorage",
                                                   "torch.cuda.ComplexFloatStorage",
                                                   "torch.cuda.DoubleStorage",
                                                   "torch.cuda.DoubleTensor",
                                                   "torch.cuda.FloatStorage",
                                                   "torch.cuda.FloatTensor",
                                                   "torch.cuda.HalfStorage",
                                                   "torch.cuda.HalfTensor",
                                                   "torch.cuda.IntStorage",
                                                   "torch.cuda.IntTensor",
                                                   "torch.cuda.LongStorage",
                                                   "torch.cuda.LongTensor",
                                                   "torch.cuda.ShortStorage",
                                                   "torch.cuda.ShortTensor",
                                                   "torch.cuda.sparse.BFloat16Tensor",
                                                   "torch.cuda.sparse.ByteTensor",
                                                   "torch.cuda.sparse.CharTensor",
                                                   "torch.cuda.sparse.DoubleTensor",
                                                   "torch.cuda.sparse.FloatTensor",
                                                   "torch.cuda.sparse.HalfTensor",
                                                   "torch.cuda.sparse.IntTensor",
                                                   "torch.cuda.sparse.LongTensor",
                                                   "torch.cuda.sparse.ShortTensor",
                                                   "torch.float16",
                                                   "torch.float32",
                                                   "torch.float4_e2m1fn_x2",
                                                   "torch.float64",
                                                   "torch.float8_e4m3fn",
                                                   "torch.float8_e4m3fnuz",
                                                   "torch.float8_e5m2",
                                                   "torch.float8_e5m2fnuz",
                                                   "torch.float8_e8m0fnu",
                                                   "torch.int1",
                                                   "torch.int16",
                                                   "torch.int2",
                                                   "torch.int3",
                                                   "torch.int32",
                                                   "torch.int4",
                                                   "torch.int5",
                                                   "torch.int6",
                                                   "torch.int64",
                                                   "torch.int7",
                                                   "torch.int8",
                                                   "torch.nn.parameter.Parameter",
                                                   "torch.per_channel_affine",
                                                   "torch.per_channel_affine_float_qparams",
                                                   "torch.per_channel_symmetric",
                                                   "torch.per_tensor_affine",
                                                   "torch.per_tensor_symmetric",
                                                   "torch.qint32",
                                                   "torch.qint8",
                                                   "torch.quint2x4",
                                                   "torch.quint4x2",
                                                   "torch.quint8",
                                                   "torch.sparse.BFloat16Tensor",
                                                   "torch.sparse.ByteTensor",
                                                   "torch.sparse.CharTensor",
                                                   "torch.sparse.DoubleTensor",
                                                   "torch.sparse.FloatTensor",
                                                   "torch.sparse.HalfTensor",
                                                   "torch.sparse.IntTensor",
                                                   "torch.sparse.LongTensor",
                                                   "torch.sparse.ShortTensor",
                                                   "torch.storage.TypedStorage",
                                                   "torch.storage.UntypedStorage",
                                                   "torch.uint1",
                                                   "torch.uint16",
                                                   "torch.uint2",
                                                   "torch.uint3",
                                                   "torch.uint32",
                                                   "torch.uint4",
                                                   "torch.uint5",
                                                   "torch.uint6",
                                                   "torch.uint64",
                                                   "torch.uint7",
                                                   "torch.uint8"};

constexpr auto kGlobals = [] {
  std::array<PickleGlobal, kCalled.size() + kTypes.size()> all{};
  auto* next = std::copy(kCalled.begin(), kCalled.end(), all.begin());
  for (const std::string_view name : kTypes) (next++)->name = name;
  return all;
}();

}  // namespace

std::span<const PickleGlobal> torch_globals() noexcept {
  return kGlobals;
}

}  // namespace fovea
