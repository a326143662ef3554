/// The type of a tensor's stored values: numbers one by one, or blocks that share scales.
///
/// The raw value is the type's name: safetensors' spelling for scalars, ggml's for blocks. This
/// type knows sizes only; the meaning of a block's bits is the `Quantization` room's.
public enum TensorType: String, CaseIterable, Hashable, Sendable {
  /// IEEE 754 binary64.
  case f64 = "F64"
  /// IEEE 754 binary32.
  case f32 = "F32"
  /// IEEE 754 binary16.
  case f16 = "F16"
  /// bfloat16: the upper half of binary32.
  case bf16 = "BF16"
  /// Eight bits, four of them exponent, without infinities (OCP 8-bit floating point, E4M3).
  case f8e4m3 = "F8_E4M3"
  /// Eight bits, five of them exponent (OCP 8-bit floating point, E5M2).
  case f8e5m2 = "F8_E5M2"
  /// Like E4M3, with another bias, and one NaN in place of -0.
  case f8e4m3fnuz = "F8_E4M3FNUZ"
  /// Like E5M2, with another bias, and one NaN in place of -0.
  case f8e5m2fnuz = "F8_E5M2FNUZ"
  /// A power of two in eight bits, a scale of other values (OCP Microscaling).
  case f8e8m0 = "F8_E8M0"
  /// Six bits, two of them exponent: four values in three bytes.
  case f6e2m3 = "F6_E2M3"
  /// Six bits, three of them exponent: four values in three bytes.
  case f6e3m2 = "F6_E3M2"
  /// Four bits, two of them exponent: two values in a byte.
  case f4 = "F4"
  /// A complex number of two binary32.
  case c64 = "C64"
  /// An integer of 64 bits, signed.
  case i64 = "I64"
  /// An integer of 32 bits, signed.
  case i32 = "I32"
  /// An integer of 16 bits, signed.
  case i16 = "I16"
  /// An integer of 8 bits, signed.
  case i8 = "I8"
  /// An integer of 64 bits, unsigned.
  case u64 = "U64"
  /// An integer of 32 bits, unsigned.
  case u32 = "U32"
  /// An integer of 16 bits, unsigned.
  case u16 = "U16"
  /// An integer of 8 bits, unsigned.
  case u8 = "U8"
  /// A truth value in a byte.
  case bool = "BOOL"

  /// Blocks of 128 values in 18 bytes: 1.125 bits a value.
  case q1_0 = "Q1_0"
  /// Blocks of 64 values in 18 bytes: 2.25 bits a value.
  case q2_0 = "Q2_0"
  /// Blocks of 32 values in 18 bytes: 4.5 bits a value.
  case q4_0 = "Q4_0"
  /// Blocks of 32 values in 20 bytes: 5 bits a value.
  case q4_1 = "Q4_1"
  /// Blocks of 32 values in 22 bytes: 5.5 bits a value.
  case q5_0 = "Q5_0"
  /// Blocks of 32 values in 24 bytes: 6 bits a value.
  case q5_1 = "Q5_1"
  /// Blocks of 32 values in 34 bytes: 8.5 bits a value.
  case q8_0 = "Q8_0"
  /// Blocks of 32 values in 36 bytes: 9 bits a value; what llama.cpp turns activations into.
  case q8_1 = "Q8_1"
  /// Blocks of 256 values in 84 bytes: 2.625 bits a value.
  case q2_K = "Q2_K"
  /// Blocks of 256 values in 110 bytes: 3.4375 bits a value.
  case q3_K = "Q3_K"
  /// Blocks of 256 values in 144 bytes: 4.5 bits a value.
  case q4_K = "Q4_K"
  /// Blocks of 256 values in 176 bytes: 5.5 bits a value.
  case q5_K = "Q5_K"
  /// Blocks of 256 values in 210 bytes: 6.5625 bits a value.
  case q6_K = "Q6_K"
  /// Blocks of 256 values in 292 bytes: 9.125 bits a value; what llama.cpp turns activations into.
  case q8_K = "Q8_K"
  /// Blocks of 256 values in 50 bytes: 1.5625 bits a value.
  case iq1_S = "IQ1_S"
  /// Blocks of 256 values in 56 bytes: 1.75 bits a value.
  case iq1_M = "IQ1_M"
  /// Blocks of 256 values in 66 bytes: 2.0625 bits a value.
  case iq2_XXS = "IQ2_XXS"
  /// Blocks of 256 values in 74 bytes: 2.3125 bits a value.
  case iq2_XS = "IQ2_XS"
  /// Blocks of 256 values in 82 bytes: 2.5625 bits a value.
  case iq2_S = "IQ2_S"
  /// Blocks of 256 values in 98 bytes: 3.0625 bits a value.
  case iq3_XXS = "IQ3_XXS"
  /// Blocks of 256 values in 110 bytes: 3.4375 bits a value.
  case iq3_S = "IQ3_S"
  /// Blocks of 32 values in 18 bytes: 4.5 bits a value.
  case iq4_NL = "IQ4_NL"
  /// Blocks of 256 values in 136 bytes: 4.25 bits a value.
  case iq4_XS = "IQ4_XS"
  /// Blocks of 256 values in 54 bytes: 1.6875 bits a value.
  case tq1_0 = "TQ1_0"
  /// Blocks of 256 values in 66 bytes: 2.0625 bits a value.
  case tq2_0 = "TQ2_0"
  /// Blocks of 32 values in 17 bytes: 4.25 bits a value.
  case mxfp4 = "MXFP4"
  /// Blocks of 64 values in 36 bytes: 4.5 bits a value.
  case nvfp4 = "NVFP4"

  /// The type's name, as `inspect` prints it.
  public var name: String { rawValue }

  /// The number of values in one block; 1 for scalars.
  public var valuesPerBlock: Int { layout.values }

  /// The number of bytes of one block.
  public var bytesPerBlock: Int { layout.bytes }

  /// The number of bits of a value, in the mean over a block.
  package var bitsPerValue: Double { 8 * Double(bytesPerBlock) / Double(valuesPerBlock) }

  /// Whether each value is stored by itself.
  package var isScalar: Bool { layout.values == 1 }

  /// Whether the values are floating-point numbers, stored one by one.
  package var isFloat: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2: true
    default: false
    }
  }

  /// Block sizes of ggml: `ggml-common.h` of llama.cpp, as listed in `formats/gguf.md`.
  private var layout: (values: Int, bytes: Int) {
    switch self {
    case .f64, .i64, .u64, .c64: (1, 8)
    case .f32, .i32, .u32: (1, 4)
    case .f16, .bf16, .i16, .u16: (1, 2)
    case .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0, .i8, .u8, .bool: (1, 1)
    // Six and four bits a value, packed without gaps.
    case .f6e2m3, .f6e3m2: (4, 3)
    case .f4: (2, 1)
    case .q1_0: (128, 18)
    case .q2_0: (64, 18)
    case .q4_0: (32, 18)
    case .q4_1: (32, 20)
    case .q5_0: (32, 22)
    case .q5_1: (32, 24)
    case .q8_0: (32, 34)
    case .q8_1: (32, 36)
    case .q2_K: (256, 84)
    case .q3_K: (256, 110)
    case .q4_K: (256, 144)
    case .q5_K: (256, 176)
    case .q6_K: (256, 210)
    case .q8_K: (256, 292)
    case .iq1_S: (256, 50)
    case .iq1_M: (256, 56)
    case .iq2_XXS: (256, 66)
    case .iq2_XS: (256, 74)
    case .iq2_S: (256, 82)
    case .iq3_XXS: (256, 98)
    case .iq3_S: (256, 110)
    case .iq4_NL: (32, 18)
    case .iq4_XS: (256, 136)
    case .tq1_0: (256, 54)
    case .tq2_0: (256, 66)
    case .mxfp4: (32, 17)
    case .nvfp4: (64, 36)
    }
  }
}
