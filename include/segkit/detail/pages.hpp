// segkit/detail/pages.hpp: memory for whole columns, in large pages where the system has them.
//
// The first touch of a page costs as much as the work on it; large pages need one five-hundredth of the touches.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include <segkit/config.hpp>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::size_t large_page = std::size_t{1} << 21;

struct give_back {
    void operator()(void* memory) const noexcept { std::free(memory); }
};
template <class T>
using owned_memory = std::unique_ptr<T[], give_back>;

// Room for n values whose content is not initialised.
template <class T>
owned_memory<T> take_memory(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / (2 * sizeof(T))) throw std::bad_alloc();
    const std::size_t bytes = n * sizeof(T);
    void* memory = nullptr;
    if (bytes >= 2 * large_page) {
        const std::size_t whole = (bytes + large_page - 1) / large_page * large_page;
        memory = std::aligned_alloc(large_page, whole);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (memory) (void)::madvise(memory, whole, MADV_HUGEPAGE);
#endif
    } else {
        memory = std::malloc(bytes ? bytes : 1);
    }
    if (!memory) throw std::bad_alloc();
    return owned_memory<T>(static_cast<T*>(memory));
}

}  // namespace SEGKIT_NAMESPACE::detail
