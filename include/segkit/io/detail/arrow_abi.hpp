// segkit/io/detail/arrow_abi.hpp: the three C structs of the Arrow C data and C stream interfaces, and their ownership.
//
// Their layout is a published ABI (Apache Arrow, "The Arrow C data interface", 2020); the guards are the ones that every
// library uses, so that whoever includes another declaration of them gets no second one.
#pragma once

#include <cstdint>
#include <utility>

#include <segkit/config.hpp>

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

extern "C" {

struct ArrowSchema {
    const char* format;
    const char* name;
    const char* metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema** children;
    struct ArrowSchema* dictionary;
    void (*release)(struct ArrowSchema*);
    void* private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void** buffers;
    struct ArrowArray** children;
    struct ArrowArray* dictionary;
    void (*release)(struct ArrowArray*);
    void* private_data;
};

}  // extern "C"

#endif  // ARROW_C_DATA_INTERFACE

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

extern "C" {

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
    int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
    const char* (*get_last_error)(struct ArrowArrayStream*);
    void (*release)(struct ArrowArrayStream*);
    void* private_data;
};

}  // extern "C"

#endif  // ARROW_C_STREAM_INTERFACE

namespace SEGKIT_NAMESPACE::detail {

// Owns one of the three structs: releases it once, unless it was released before.
template <class Struct>
class arrow_owner {
public:
    arrow_owner() = default;
    // Takes what `from` owns and marks it as released, which is how the interface moves.
    explicit arrow_owner(Struct* from) noexcept {
        if (from == nullptr) return;
        owned_ = *from;
        from->release = nullptr;
    }
    arrow_owner(arrow_owner&& other) noexcept : owned_(other.owned_) { other.owned_.release = nullptr; }
    arrow_owner& operator=(arrow_owner&& other) noexcept {
        std::swap(owned_, other.owned_);
        return *this;
    }
    ~arrow_owner() { reset(); }

    void reset() noexcept {
        if (owned_.release != nullptr) owned_.release(&owned_);
        owned_.release = nullptr;
    }
    // Gives what is owned to the other side of the interface.
    void move_to(Struct* out) noexcept {
        *out = owned_;
        owned_.release = nullptr;
    }
    explicit operator bool() const { return owned_.release != nullptr; }
    Struct* get() { return &owned_; }    // also the place for a producer to write into
    const Struct& operator*() const { return owned_; }
    const Struct* operator->() const { return &owned_; }

private:
    Struct owned_{};
};

}  // namespace SEGKIT_NAMESPACE::detail
