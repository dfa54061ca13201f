#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pharos/spi/function.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// Holds something registered and takes it back when destroyed. Move-only.
class [[nodiscard]] Registration {
public:
    Registration() noexcept = default;
    explicit Registration(Task undo) noexcept : undo_(std::move(undo)) {}
    Registration(Registration&& other) noexcept : undo_(std::exchange(other.undo_, nullptr)) {}
    Registration& operator=(Registration&& other) noexcept {
        if (this != &other) {
            reset();
            undo_ = std::exchange(other.undo_, nullptr);
        }
        return *this;
    }
    ~Registration() { reset(); }

    void reset() noexcept {
        if (undo_) {
            std::exchange(undo_, nullptr)();
        }
    }

private:
    Task undo_;
};

/// Properties of a provided service, such as {"type", "TCP"}.
using Properties = std::vector<std::pair<std::string, std::string>>;

/// The value of a property; "" when there is none of this name.
[[nodiscard]] std::string_view property(const Properties& properties, std::string_view name) noexcept;

/// Where plugins offer and find each other's interfaces. An interface names itself:
/// `static constexpr std::string_view kInterface = "pharos.KvStore/1"` (name/major version).
///
/// Provide in init(), find in start(): by then everything that a plugin requires is there. Any thread.
class ServiceRegistry {
public:
    /// Offers an implementation. It must outlive the registration. Error kConflict: this plugin provides the same
    /// interface with the same properties already; kInvalidArgument: its descriptor does not list the interface.
    template <class Interface>
    Result<Registration> provide(Interface& implementation, Properties properties = {}) {
        return provide_raw(Interface::kInterface, &implementation, std::move(properties));
    }

    /// The first provider (in start order) whose properties contain `wanted`; null when there is none.
    template <class Interface>
    [[nodiscard]] Interface* find(const Properties& wanted = {}) const {
        return static_cast<Interface*>(find_raw(Interface::kInterface, wanted));
    }

    /// All providers, in start order.
    template <class Interface>
    [[nodiscard]] std::vector<Interface*> all() const {
        std::vector<Interface*> found;
        for (void* service : all_raw(Interface::kInterface)) {
            found.push_back(static_cast<Interface*>(service));
        }
        return found;
    }

protected:
    ~ServiceRegistry() = default;

    virtual Result<Registration> provide_raw(std::string_view interface, void* service, Properties properties) = 0;
    [[nodiscard]] virtual void* find_raw(std::string_view interface, const Properties& wanted) const = 0;
    [[nodiscard]] virtual std::vector<void*> all_raw(std::string_view interface) const = 0;
};

}  // namespace pharos::spi
