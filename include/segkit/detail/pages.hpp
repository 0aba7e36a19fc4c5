// segkit/detail/pages.hpp: memory for whole columns, in large pages where the system has them.
//
// The first touch of a page costs as much as the work on it; large pages need one five-hundredth of the touches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include <segkit/config.hpp>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace SEGKIT_NAMESPACE::detail {

inline constexpr std::size_t large_page = std::size_t{1} << 21;

// Has the system give the page at this place, and leaves its content as it is, which other threads may be writing. Where no such instruction
// is known, nothing is done: the first write does it.
inline void touch_page([[maybe_unused]] std::byte* at) {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    asm volatile("lock {orb $0, %0|or %0, 0}" : "+m"(*at) : : "cc");
#endif
}

// Gives memory back to where it came from: to the system at once where it was large, so that no holes of it stay behind.
struct give_back {
    std::size_t mapped = 0;    // bytes, where it is the system's

    void operator()(void* memory) const noexcept {
#if defined(__linux__)
        if (mapped != 0) {
            (void)::munmap(memory, mapped);
            return;
        }
#endif
        std::free(memory);
    }
};
template <class T>
using owned_memory = std::unique_ptr<T[], give_back>;

#if defined(__linux__) && defined(MADV_HUGEPAGE)
// Whole large pages, or nullptr. More is mapped than is asked for, and the ends are given back, so that it begins at a large page.
inline void* map_large_pages(std::size_t bytes) {
    void* all = ::mmap(nullptr, bytes + large_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) return nullptr;
    auto* begin = static_cast<std::byte*>(all);
    const std::size_t before = (large_page - reinterpret_cast<std::uintptr_t>(begin) % large_page) % large_page;
    if (before != 0) (void)::munmap(begin, before);
    if (before != large_page) (void)::munmap(begin + before + bytes, large_page - before);
    (void)::madvise(begin + before, bytes, MADV_HUGEPAGE);    // a wish: nothing depends on it
    return begin + before;
}
#endif

// What is read here and there gains by large pages sooner: each small one would have to be found anew.
inline constexpr std::size_t scattered_bytes = large_page / 2;

// Room for n values whose content is not initialised; in large pages from so many bytes on.
template <class T>
owned_memory<T> take_memory(std::size_t n, [[maybe_unused]] std::size_t large = 2 * large_page) {
    if (n > static_cast<std::size_t>(-1) / (2 * sizeof(T))) throw std::bad_alloc();
    const std::size_t bytes = n * sizeof(T);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (bytes >= large) {
        const std::size_t whole = (bytes + large_page - 1) / large_page * large_page;
        void* memory = map_large_pages(whole);
        if (!memory) throw std::bad_alloc();
        return owned_memory<T>(static_cast<T*>(memory), give_back{whole});
    }
#endif
    void* memory = std::malloc(bytes ? bytes : 1);
    if (!memory) throw std::bad_alloc();
    return owned_memory<T>(static_cast<T*>(memory));
}

// The first bytes of memory that is the system's, with an owner of their own; nothing where there are not so many.
template <class T>
owned_memory<T> split_off(owned_memory<T>& from, std::size_t bytes) {
    static_assert(sizeof(T) == 1);
    const std::size_t whole = (bytes + large_page - 1) / large_page * large_page, mapped = from.get_deleter().mapped;
    if (bytes == 0 || mapped < whole) return nullptr;
    T* begin = from.release();
    from = mapped > whole ? owned_memory<T>(begin + whole, give_back{mapped - whole}) : nullptr;
    return owned_memory<T>(begin, give_back{whole});
}

}  // namespace SEGKIT_NAMESPACE::detail
