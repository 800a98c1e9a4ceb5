//! Constants and minimax polynomials of the library functions, printed by `coefficients.py`. Do not edit.
#![allow(clippy::approx_constant, reason = "many are near well-known constants, not equal to them")]

use super::emit::{Constant, Polynomial};

/// log2(e).
pub(super) const LOG2_E: Constant = Constant { f32: 1.442695, f64: 1.4426950408889634 };
/// log2(10).
pub(super) const LOG2_10: Constant = Constant { f32: 3.321928, f64: 3.321928094887362 };
/// ln 2.
pub(super) const LN_2_HIGH: Constant = Constant { f32: 0.6931472, f64: 0.6931471805599453 };
/// What the constant above lacks.
pub(super) const LN_2_LOW: Constant = Constant { f32: -1.9046542e-09, f64: 2.3190468138462996e-17 };
/// log10(2).
pub(super) const LOG10_2_HIGH: Constant = Constant { f32: 0.30103, f64: 0.3010299956639812 };
/// What the constant above lacks.
pub(super) const LOG10_2_LOW: Constant = Constant { f32: -1.4320989e-08, f64: -2.8037281277851704e-18 };
/// ln 2, so short that its product with an exponent is exact.
pub(super) const LN_2_TRIMMED_HIGH: Constant = Constant { f32: 0.69314575, f64: 0.6931471805598903 };
/// What the constant above lacks.
pub(super) const LN_2_TRIMMED_LOW: Constant = Constant { f32: 1.4286068e-06, f64: 5.497923018708371e-14 };
/// log10(2), so short that its product with an exponent is exact.
pub(super) const LOG10_2_TRIMMED_HIGH: Constant = Constant { f32: 0.3010254, f64: 0.30102999566395283 };
/// What the constant above lacks.
pub(super) const LOG10_2_TRIMMED_LOW: Constant = Constant { f32: 4.605039e-06, f64: 2.8363394551044964e-14 };
/// log2(e).
pub(super) const LOG2_OF_E_HIGH: Constant = Constant { f32: 1.442695, f64: 1.4426950408889634 };
/// What the constant above lacks.
pub(super) const LOG2_OF_E_LOW: Constant = Constant { f32: 1.925963e-08, f64: 2.0355273740931033e-17 };
/// log10(e).
pub(super) const LOG10_OF_E_HIGH: Constant = Constant { f32: 0.4342945, f64: 0.4342944819032518 };
/// What the constant above lacks.
pub(super) const LOG10_OF_E_LOW: Constant = Constant { f32: -1.010305e-08, f64: 1.098319650216765e-17 };
/// 1/3.
pub(super) const THIRD: Constant = Constant { f32: 0.33333334, f64: 0.3333333333333333 };
/// 2 log2(e).
pub(super) const TWICE_LOG2_E_HIGH: Constant = Constant { f32: 2.88539, f64: 2.8853900817779268 };
/// What the constant above lacks.
pub(super) const TWICE_LOG2_E_LOW: Constant = Constant { f32: 3.851926e-08, f64: 4.0710547481862066e-17 };
/// 2/3 log2(e).
pub(super) const TWO_THIRDS_LOG2_E_HIGH: Constant = Constant { f32: 0.9617967, f64: 0.9617966939259756 };
/// What the constant above lacks.
pub(super) const TWO_THIRDS_LOG2_E_LOW: Constant = Constant { f32: -7.028462e-09, f64: 5.0577616648125907e-17 };
/// 2/pi.
pub(super) const FRAC_2_PI: Constant = Constant { f32: 0.63661975, f64: 0.6366197723675814 };
/// pi/2.
pub(super) const FRAC_PI_2_HIGH: Constant = Constant { f32: 1.5707964, f64: 1.5707963267948966 };
/// What the constant above lacks.
pub(super) const FRAC_PI_2_MIDDLE: Constant = Constant { f32: -4.371139e-08, f64: 6.123233995736766e-17 };
/// What the constant above lacks.
pub(super) const FRAC_PI_2_LOW: Constant = Constant { f32: -1.7151245e-15, f64: -1.4973849048591698e-33 };
/// 1 / cbrt(2).
pub(super) const RCBRT_2: Constant = Constant { f32: 0.7937005, f64: 0.7937005259840998 };
/// 1 / cbrt(4).
pub(super) const RCBRT_4: Constant = Constant { f32: 0.62996054, f64: 0.6299605249474366 };
/// The binary digits of 2/pi behind the point, most significant word first.
pub(super) const TWO_OVER_PI: [u64; 20] = [
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
];

/// `(e^r - 1 - r) / r^2` for |r| to ln 2 / 2.
/// Errors: 2^-28.2 as f32, 2^-57.5 as f64.
pub(super) const EXP: Polynomial = Polynomial {
    f32: &[
        0.49999994,
        0.16666517,
        0.041668102,
        0.008369194,
        0.0013839027,
    ],
    f64: &[
        0.5000000000000011,
        0.1666666666666611,
        0.04166666666652223,
        0.008333333333704111,
        0.0013888888946409768,
        0.00019841269024311077,
        2.4801489688917134e-05,
        2.7558037716948535e-06,
        2.7631608153643004e-07,
        2.4851787133611485e-08,
    ],
};

/// `(2^r - 1) / r` for |r| to 0.5.
/// Errors: 2^-27.5 as f32, 2^-57.1 as f64.
pub(super) const EXP2: Polynomial = Polynomial {
    f32: &[
        0.69314724,
        0.24022655,
        0.055502728,
        0.009617065,
        0.0013417891,
        0.00015819969,
    ],
    f64: &[
        0.6931471805599453,
        0.2402265069591007,
        0.05550410866482338,
        0.009618129107630224,
        0.0013333558146033523,
        0.0001540353038890651,
        1.5252734165970373e-05,
        1.321549132281212e-06,
        1.0177933238771229e-07,
        7.053053202404521e-09,
        4.4730818275379395e-10,
        2.8296313732079243e-11,
    ],
};

/// `(10^r - 1) / r` for |r| to 0.1505.
/// Errors: 2^-28.1 as f32, 2^-58.0 as f64.
pub(super) const EXP10: Polynomial = Polynomial {
    f32: &[
        2.3025851,
        2.650949,
        2.034653,
        1.171242,
        0.5420092,
        0.20834248,
    ],
    f64: &[
        2.302585092994046,
        2.6509490552391997,
        2.0346785922933055,
        1.1712551489115137,
        0.5393829292334755,
        0.20699584891390288,
        0.06808936162356999,
        0.01959767052917293,
        0.005014064255660314,
        0.0011556339967596391,
        0.0002399508753526121,
        2.735093670954453e-05,
    ],
};

/// `(sinh x - x) / x^3` as a function of `x^2` to 1.
/// Errors: 2^-31.5 as f32, 2^-61.8 as f64.
pub(super) const SINH: Polynomial = Polynomial {
    f32: &[
        0.16666667,
        0.008333311,
        0.00019842635,
        2.7839258e-06,
    ],
    f64: &[
        0.16666666666666669,
        0.008333333333332915,
        0.0001984126984158925,
        2.7557319108482735e-06,
        2.5052130675866154e-08,
        1.6056687104136185e-10,
        7.775690144115034e-13,
    ],
};

/// `(tanh x - x) / x^3` as a function of `x^2`, for |x| to 0.625.
/// Errors: 2^-27.8 as f32, 2^-56.5 as f64.
pub(super) const TANH: Polynomial = Polynomial {
    f32: &[
        -0.33333284,
        0.13331483,
        -0.05374277,
        0.020648036,
        -0.0057140193,
    ],
    f64: &[
        -0.33333333333332876,
        0.1333333333326468,
        -0.05396825393237182,
        0.021869487599421256,
        -0.00886322128582457,
        0.003591991300251915,
        -0.0014549690840337305,
        0.000586347912610881,
        -0.00022862396792997246,
        7.720859448523048e-05,
        -1.610234749945198e-05,
    ],
};

/// `(2 atanh(s) / s - 2) / s^2` as a function of `s^2`, for |s| to 0.1716.
/// Errors: 2^-30.2 as f32, 2^-59.5 as f64.
pub(super) const LOG: Polynomial = Polynomial {
    f32: &[
        0.66666776,
        0.3997758,
        0.29870927,
    ],
    f64: &[
        0.6666666666666734,
        0.3999999999941653,
        0.2857142874207002,
        0.22222198599349638,
        0.18183563214040369,
        0.15314073927989372,
        0.14795758607860762,
    ],
};

/// `2 log2(e) (atanh(s) / s - 1 - s^2 / 3) / s^4` as a function of `s^2`, for |s| to 0.1716.
/// Errors: 2^-35.2 as f32, 2^-71.9 as f64.
pub(super) const LOG2_TAIL: Polynomial = Polynomial {
    f32: &[
        0.5770802,
        0.4118499,
        0.33782202,
    ],
    f64: &[
        0.5770780163555851,
        0.4121985831113458,
        0.32059889791275903,
        0.2623081986622318,
        0.22195226998938827,
        0.19240133908736998,
        0.1684511230709569,
        0.17282094110321794,
    ],
};

/// `(sin r - r) / r^3` as a function of `r^2`, for |r| to 0.8.
/// Errors: 2^-27.8 as f32, 2^-57.6 as f64.
pub(super) const SIN: Polynomial = Polynomial {
    f32: &[
        -0.16666654,
        0.008332098,
        -0.00019506026,
    ],
    f64: &[
        -0.16666666666666624,
        0.008333333333320323,
        -0.00019841269828063912,
        2.7557313068026844e-06,
        -2.505065805038789e-08,
        1.589088245194207e-10,
    ],
};

/// `(cos r - 1 + r^2 / 2) / r^4` as a function of `r^2`, for |r| to 0.8.
/// Errors: 2^-32.9 as f32, 2^-63.7 as f64.
pub(super) const COS: Polynomial = Polynomial {
    f32: &[
        0.041666646,
        -0.0013887291,
        2.4428644e-05,
    ],
    f64: &[
        0.04166666666666658,
        -0.0013888888888870827,
        2.4801587287364517e-05,
        -2.755731372646695e-07,
        2.0875636599105453e-09,
        -1.1355091002458266e-11,
    ],
};

/// `(atan q - q) / q^3` as a function of `q^2`, for |q| to sqrt 2 - 1.
/// Errors: 2^-30.5 as f32, 2^-59.5 as f64.
pub(super) const ATAN: Polynomial = Polynomial {
    f32: &[
        -0.33333316,
        0.19998533,
        -0.1424451,
        0.10600166,
        -0.060927108,
    ],
    f64: &[
        -0.333333333333332,
        0.19999999999953819,
        -0.1428571428022054,
        0.11111110784676576,
        -0.09090897792812067,
        0.07692060834817495,
        -0.06663110992285139,
        0.0584793875042439,
        -0.050395216675408194,
        0.03806990980743935,
        -0.017912878911451876,
    ],
};

/// `(asin x - x) / x^3` as a function of `x^2`, for |x| to 1/2.
/// Errors: 2^-27.6 as f32, 2^-59.8 as f64.
pub(super) const ASIN: Polynomial = Polynomial {
    f32: &[
        0.16666754,
        0.07495252,
        0.045476045,
        0.02415205,
        0.04221192,
    ],
    f64: &[
        0.16666666666666763,
        0.07499999999970132,
        0.04464285717523542,
        0.03038194267861894,
        0.02237221578878734,
        0.017351597969173717,
        0.013980985053775978,
        0.011397595445084164,
        0.010787481828977359,
        0.0036796322418753964,
        0.021771402581805897,
        -0.021087998491984172,
        0.032683325774857816,
    ],
};

/// `erf(x) / x - 1` as a function of `x^2`, for |x| to 1.
/// Errors: 2^-29.5 as f32, 2^-55.9 as f64.
pub(super) const ERF: Polynomial = Polynomial {
    f32: &[
        0.12837917,
        -0.3761263,
        0.11283618,
        -0.026855126,
        0.0051907334,
        -0.0008030751,
        7.92031e-05,
    ],
    f64: &[
        0.12837916709551256,
        -0.3761263890318334,
        0.1128379167093652,
        -0.02686617064186255,
        0.005223977595748678,
        -0.0008548325429784514,
        0.00012055278646233174,
        -1.4924426871800421e-05,
        1.6443638749180447e-06,
        -1.6179855626561784e-07,
        1.3598026500904845e-08,
        -7.571728898100376e-10,
    ],
};

/// `log(erfc x)` from x = 1 to the end of the format.
/// Errors: 2^-29.8 as f32, 2^-56.7 as f64.
pub(super) const LOG_ERFC: Polynomial = Polynomial {
    f32: &[
        -0.00035365485,
        -1.1270403,
        -0.6382254,
        -0.10303752,
        0.021805314,
        -0.0029395781,
        0.0001855669,
    ],
    f64: &[
        -5.133739011321707e-07,
        -1.128373990415874,
        -0.6366440609659901,
        -0.10270227346001946,
        0.018988010709191046,
        0.0004135804331632137,
        -0.0019189920553861096,
        0.0007730810108247923,
        -0.00013657838532098263,
        -1.951169733029806e-05,
        2.2528503083688496e-05,
        -8.577445192646824e-06,
        2.1144854609819166e-06,
        -3.695097685649559e-07,
        4.592606100799277e-08,
        -3.889386159467755e-09,
        2.020008162033264e-10,
        -4.864283405477609e-12,
    ],
};

/// `(1 + 2 x) e^(x^2) erfc(x) - 1` as a function of `(x - 3) / (x + 3)`, from x = 1/2 on.
/// Errors: 2^-26.1 as f32, 2^-55.5 as f64.
pub(super) const ERFC: Polynomial = Polynomial {
    f32: &[
        0.25300807,
        -0.13562104,
        -0.047562324,
        0.12964264,
        -0.11927354,
        0.06833801,
        -0.02376449,
        0.0023902943,
        0.0018376093,
        -0.0005264603,
    ],
    f64: &[
        0.25300805826972966,
        -0.1356211061245813,
        -0.04756229435344997,
        0.12964515870277935,
        -0.11927366341536343,
        0.06830802734322783,
        -0.0237705149170627,
        0.002529391829904571,
        0.001888690334358174,
        -0.0007798324125538255,
        -0.00010515956410265435,
        0.0001251002085254949,
        4.948068264699798e-06,
        -2.0103824243451483e-05,
        -7.260196890854502e-07,
        3.480142222741567e-06,
        3.4312825390866306e-07,
        -6.275680207279029e-07,
        -1.2016054642454692e-07,
        1.0976571967392876e-07,
        2.2336232801684805e-08,
        -1.466732751892021e-08,
    ],
};

/// `1 / cbrt(m)` for m from 1 to 2: a start for Newton's method.
/// Errors: 2^-14.8 as f32, 2^-14.8 as f64.
pub(super) const RCBRT: Polynomial = Polynomial {
    f32: &[
        1.6722741,
        -1.1792853,
        0.7021298,
        -0.2242436,
        0.02909127,
    ],
    f64: &[
        1.6722741243809227,
        -1.1792852795528643,
        0.7021297796531423,
        -0.2242435974161681,
        0.02909127025650878,
    ],
};
