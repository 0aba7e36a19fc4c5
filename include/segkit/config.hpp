// segkit/config.hpp: version, the namespace all of segkit lives in, and the precondition assertion.
//
// The inline namespace carries the version, the instruction set the file is compiled for and the kernels' backend, so that
// object files built with different flags never share an instantiation (an ODR trap of header-only code).
// Consequence: a segkit table does not cross between such files; the Arrow C data interface does.
#pragma once

#define SEGKIT_VERSION_MAJOR 0
#define SEGKIT_VERSION_MINOR 1
#define SEGKIT_VERSION_PATCH 0

// Kernels use vectors of the compiler, or with SEGKIT_SIMD_BACKEND_XSIMD those of xsimd (simd/xsimd_shim.hpp).
#if defined(SEGKIT_SIMD_BACKEND_XSIMD)
#define SEGKIT_ABI_OF(instruction_set) v0_1_xsimd##instruction_set
#else
#define SEGKIT_ABI_OF(instruction_set) v0_1##instruction_set
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define SEGKIT_ABI SEGKIT_ABI_OF(_avx512)
#elif defined(__AVX2__) && defined(__FMA__)
#define SEGKIT_ABI SEGKIT_ABI_OF(_avx2)
#elif defined(__AVX__)
#define SEGKIT_ABI SEGKIT_ABI_OF(_avx)
#else
#define SEGKIT_ABI SEGKIT_ABI_OF()
#endif

// `namespace SEGKIT_NAMESPACE { ... }` opens segkit and its inline ABI namespace.
#define SEGKIT_NAMESPACE segkit::inline SEGKIT_ABI

// Checks a precondition of the caller, never data. Define it before including segkit to replace it;
// the default aborts with the condition in debug builds and costs nothing with NDEBUG.
#ifndef SEGKIT_ASSERT
#include <cassert>
#define SEGKIT_ASSERT(condition) assert(condition)
#endif
