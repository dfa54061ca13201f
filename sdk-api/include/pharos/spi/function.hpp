#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace pharos::spi {

/// A move-only callable. Targets of up to 64 bytes live inside it; larger ones are allocated.
///
/// It may cross shared-library borders: what it calls, moves and destroys is code of the library that made it, and
/// no library is ever unloaded.
template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
public:
    UniqueFunction() noexcept = default;
    UniqueFunction(std::nullptr_t) noexcept {}

    template <class F>
    requires(!std::is_same_v<std::decay_t<F>, UniqueFunction> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
        UniqueFunction(F&& target) {
        using Target = std::decay_t<F>;
        if constexpr (fits<Target>) {
            ::new (storage_) Target(std::forward<F>(target));
            table_ = &inline_table<Target>;
        } else {
            ::new (storage_) Target*(new Target(std::forward<F>(target)));
            table_ = &heap_table<Target>;
        }
    }

    UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
    UniqueFunction& operator=(UniqueFunction&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    UniqueFunction(const UniqueFunction&) = delete;
    UniqueFunction& operator=(const UniqueFunction&) = delete;
    ~UniqueFunction() { reset(); }

    explicit operator bool() const noexcept { return table_ != nullptr; }

    /// Undefined when empty.
    R operator()(Args... args) { return table_->call(storage_, std::forward<Args>(args)...); }

    void reset() noexcept {
        if (table_ != nullptr) {
            std::exchange(table_, nullptr)->destroy(storage_);
        }
    }

private:
    static constexpr std::size_t kInline = 64;

    struct Table {
        R (*call)(void*, Args&&...);
        void (*move)(void* from, void* to) noexcept;
        void (*destroy)(void*) noexcept;
    };

    template <class T>
    static constexpr bool fits = sizeof(T) <= kInline &&
                                 alignof(T) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<T>;

    template <class T>
    static constexpr Table inline_table{
        [](void* at, Args&&... args) -> R { return (*static_cast<T*>(at))(std::forward<Args>(args)...); },
        [](void* from, void* to) noexcept {
            ::new (to) T(std::move(*static_cast<T*>(from)));
            static_cast<T*>(from)->~T();
        },
        [](void* at) noexcept { static_cast<T*>(at)->~T(); }};

    template <class T>
    static constexpr Table heap_table{
        [](void* at, Args&&... args) -> R { return (**static_cast<T**>(at))(std::forward<Args>(args)...); },
        [](void* from, void* to) noexcept { ::new (to) T*(*static_cast<T**>(from)); },
        [](void* at) noexcept { delete *static_cast<T**>(at); }};

    void take(UniqueFunction& other) noexcept {
        if (other.table_ != nullptr) {
            other.table_->move(other.storage_, storage_);
            table_ = std::exchange(other.table_, nullptr);
        }
    }

    alignas(std::max_align_t) unsigned char storage_[kInline];
    const Table* table_ = nullptr;
};

/// A piece of work. Must not throw.
using Task = UniqueFunction<void()>;

}  // namespace pharos::spi
