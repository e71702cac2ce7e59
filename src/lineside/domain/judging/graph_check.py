"""Which ONNX graphs may be loaded at all: plain arithmetic on tensors that the file itself holds.

An allow list, looked up in the file's bytes before anything loads it. Refused are operators that are not on the list
(control flow such as ``Loop`` among them), operators of other domains (custom-op libraries), functions, subgraphs,
training information, and data outside the file. The bytes are read by the protocol-buffers wire format itself
(protobuf.dev, "Encoding"), every occurrence of a field, because a parser merges repeated occurrences; field numbers are
those of ``onnx.proto3``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineside.domain.errors import IntegrityError


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


OPERATORS: Final = _names("""
    Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv ConvInteger
    DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp Flatten Floor Gather Gelu Gemm
    GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish Identity InstanceNormalization IsInf
    IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul MatMulInteger Max MaxPool Mean Min Mul
    Neg Not Or PRelu Pow QLinearConv QLinearMatMul QuantizeLinear Reciprocal ReduceLogSumExp ReduceMax ReduceMean
    ReduceMin ReduceSum ReduceSumSquare Relu Reshape Round Selu Shape Sigmoid Sign Slice Softmax Softplus Split Sqrt
    Squeeze Sub Sum Tanh TopK Transpose Unsqueeze Where
""")
"""Of ONNX's own domain."""
ML_OPERATORS: Final = _names("""
    ArrayFeatureExtractor Binarizer Imputer LinearClassifier LinearRegressor Normalizer Scaler SVMClassifier
    SVMRegressor TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
""")
RUNTIME_OPERATORS: Final = _names("""
    DynamicQuantizeMatMul FusedConv FusedGemm FusedMatMul Gelu MatMulIntegerToFloat QGemm QLinearAdd QLinearConcat
    QLinearGlobalAveragePool QLinearMul QLinearSigmoid
""")
"""Of ONNX Runtime's own domain, as its quantisation writes them."""
ALLOWED: Final = {
    "": OPERATORS,
    "ai.onnx": OPERATORS,
    "ai.onnx.ml": ML_OPERATORS,
    "com.microsoft": RUNTIME_OPERATORS,
}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10
_Field = tuple[int, "memoryview | int"]


def check_graph(graph: bytes) -> None:
    """Refuse a graph that holds what it must not.

    Raises:
        IntegrityError: it cannot be read, or holds something that is not allowed.
    """
    for number, value in _fields(memoryview(graph)):
        if number == 7:
            _check_body(_bytes(value))
        elif number in {20, 25}:  # training_info, functions
            raise IntegrityError("a model holds functions or training information", field="model.onnx")
        elif number == 8:
            domain = _text(_bytes(value), 1)
            if domain not in ALLOWED:
                raise IntegrityError("a model asks for operators of a library", value=domain, choices=sorted(ALLOWED))


def _check_body(graph: memoryview) -> None:
    for number, value in _fields(graph):
        if number == 1:  # node
            _check_node(_bytes(value))
        elif number == 5:
            _check_tensor(_bytes(value))
        elif number == 15:
            raise IntegrityError("a model holds sparse constants", field="model.onnx")


def _check_node(node: memoryview) -> None:
    operator, domain = _text(node, 4), _text(node, 7)
    if operator not in ALLOWED.get(domain, frozenset()):
        name = f"{domain}.{operator}" if domain else operator
        raise IntegrityError("a model uses an operator that is not on the list", field="model.onnx", value=name)
    for number, value in _fields(node):
        if number == 5:
            _check_attribute(_bytes(value))


def _check_attribute(attribute: memoryview) -> None:
    for number, value in _fields(attribute):
        if number in {6, 11}:  # g, graphs
            raise IntegrityError("a model holds a graph within a graph", field="model.onnx")
        if number in {5, 10}:  # t, tensors
            _check_tensor(_bytes(value))
        elif number in {22, 23}:  # sparse_tensor, sparse_tensors
            raise IntegrityError("a model holds sparse constants", field="model.onnx")


def _check_tensor(tensor: memoryview) -> None:
    for number, value in _fields(tensor):
        if number == 13 or (number == 14 and value != 0):
            raise IntegrityError("a model refers to data outside its file", field="model.onnx")


def _text(message: memoryview, wanted: int) -> str:
    """Return the last occurrence of a field of text, as a parser does."""
    found = [bytes(_bytes(value)) for number, value in _fields(message) if number == wanted]
    try:
        return found[-1].decode() if found else ""
    except UnicodeDecodeError as error:
        raise IntegrityError("a model's graph cannot be read", field="model.onnx") from error


def _bytes(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise IntegrityError("a model's graph cannot be read", field="model.onnx")
    return value


def _fields(message: memoryview) -> Iterator[_Field]:
    """Yield number and value of each field of a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if size < 0 or at + size > len(message):
            raise IntegrityError("a model's graph cannot be read", field="model.onnx")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at
    raise IntegrityError("a model's graph cannot be read", field="model.onnx")
