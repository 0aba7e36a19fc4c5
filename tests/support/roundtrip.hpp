// A memory archive for tests: `roundtrip(value)` saves a value through its serialize member and loads it into a fresh one.
// Names are checked on the way back, so a member that is saved and not loaded, or in another order, is noticed.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace support {

using item = std::variant<std::string, bool, double, std::int64_t, std::uint64_t>;

class saving_archive {
public:
    std::vector<item> items;

    template <class T>
    void field(const char* name, T& value) {
        items.emplace_back(std::string(name));
        put(value);
    }

private:
    template <class T>
    void put(T& value) {
        if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double> || std::is_same_v<T, std::string>) {
            items.emplace_back(value);
        } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
            items.emplace_back(static_cast<std::int64_t>(value));
        } else if constexpr (std::is_integral_v<T>) {
            items.emplace_back(static_cast<std::uint64_t>(value));
        } else {
            value.serialize(*this);
        }
    }
    template <class T, class Allocator>
    void put(std::vector<T, Allocator>& values) {
        items.emplace_back(static_cast<std::uint64_t>(values.size()));
        for (auto& value : values) put(value);
    }
    template <class T>
    void put(std::optional<T>& value) {
        items.emplace_back(value.has_value());
        if (value) put(*value);
    }
};

class loading_archive {
public:
    explicit loading_archive(std::vector<item> saved) : items_(std::move(saved)) {}
    bool at_end() const { return next_ == items_.size(); }

    template <class T>
    void field(const char* name, T& value) {
        if (take<std::string>() != name) throw std::logic_error(std::string("member out of order: ") + name);
        get(value);
    }

private:
    template <class T>
    T take() {
        return std::get<T>(items_.at(next_++));
    }
    template <class T>
    void get(T& value) {
        if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double> || std::is_same_v<T, std::string>) {
            value = take<T>();
        } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
            value = static_cast<T>(take<std::int64_t>());
        } else if constexpr (std::is_integral_v<T>) {
            value = static_cast<T>(take<std::uint64_t>());
        } else {
            value.serialize(*this);
        }
    }
    template <class T, class Allocator>
    void get(std::vector<T, Allocator>& values) {
        values.resize(take<std::uint64_t>());
        for (auto& value : values) get(value);
    }
    template <class T>
    void get(std::optional<T>& value) {
        value.reset();
        if (take<bool>()) get(value.emplace());
    }

    std::vector<item> items_;
    std::size_t next_ = 0;
};

template <class T>
T roundtrip(T value) {
    saving_archive out;
    value.serialize(out);
    loading_archive in(std::move(out.items));
    T again{};
    again.serialize(in);
    if (!in.at_end()) throw std::logic_error("saved more than was loaded");
    return again;
}

}  // namespace support
