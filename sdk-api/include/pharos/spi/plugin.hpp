#pragma once

#include <cstdint>
#include <string_view>

#include <pharos/spi/cluster.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/fingerprint.hpp>
#include <pharos/spi/http.hpp>
#include <pharos/spi/log.hpp>
#include <pharos/spi/metrics.hpp>
#include <pharos/spi/net.hpp>
#include <pharos/spi/rpc.hpp>
#include <pharos/spi/services.hpp>
#include <pharos/spi/settings.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// Facts about this node. Immutable after start.
struct NodeInfo {
    std::string version;
    std::string data_dir;
    std::string advertised_ip;  ///< how members and clients know this node
    std::uint16_t port = 0;
    std::string context_path;  ///< "/nacos"
    bool standalone = true;
    std::vector<std::string> modules;  ///< names of all loaded plugins, in start order
};

enum class HealthState : std::uint8_t { kOk = 0, kDegraded = 1, kFailed = 2 };

/// Takes the state of one capability, such as "naming.ap" or "config.write". Degraded still serves; failed does not.
class HealthSink {
public:
    virtual void report(std::string_view capability, HealthState state, std::string_view reason) = 0;

protected:
    ~HealthSink() = default;
};

/// Health of the whole node. Any thread.
class NodeHealth {
public:
    /// Reports what every started plugin says of its capabilities. Not from a plugin's own health().
    virtual void report_to(HealthSink& sink) const = 0;

protected:
    ~NodeHealth() = default;
};

/// What a plugin may use. Every reference lives longer than the plugin.
class PluginContext {
public:
    virtual const NodeInfo& node() const noexcept = 0;
    virtual const Settings& settings() const noexcept = 0;
    virtual ServiceRegistry& services() noexcept = 0;
    virtual Executors& executors() noexcept = 0;
    virtual HttpRoutes& http() noexcept = 0;
    virtual RpcMethods& rpc() noexcept = 0;
    virtual Connections& connections() noexcept = 0;
    virtual const Members& members() noexcept = 0;
    virtual Net& net() noexcept = 0;
    virtual Metrics& metrics() noexcept = 0;
    virtual Log& log() noexcept = 0;
    virtual LogLevels& log_levels() noexcept = 0;
    virtual const NodeHealth& node_health() noexcept = 0;

protected:
    ~PluginContext() = default;
};

/// A plugin. The kernel calls init, start and stop once each, from one thread, in this order:
/// discover → verify → resolve → init of all → start of all → … → stop of all in inverse order of start.
/// If a step fails, those already begun are stopped again.
class Plugin {
public:
    virtual ~Plugin() = default;

    /// Reads settings and registers what the plugin provides and serves. No I/O, no calls into other plugins.
    virtual Status init(PluginContext& context) noexcept = 0;
    /// Takes what it requires and begins work. Requests arrive only after all plugins have started.
    virtual Status start() noexcept = 0;
    /// Ends work: when it returns nothing of the plugin runs any more. Also called when start() failed or never ran.
    virtual void stop() noexcept = 0;
    /// Reports its capabilities. Any thread, from start() to stop(); from memory.
    virtual void health(HealthSink& sink) const noexcept = 0;
};

/// Names of interfaces; a trailing "?" on a required one makes it optional.
struct NameList {
    const char* names[12];
};

/// The constant that every plugin exports as `pharos_plugin`, in the section "pharos". Plain data: it is read before
/// any code of the plugin is called.
struct Descriptor {
    std::uint32_t magic;
    std::uint32_t size;
    const char* spi_abi;      ///< address of pharos_spi_abi_<N>: another N does not even load
    const char* fingerprint;  ///< toolchain and ABI options; must equal the kernel's
    const char* name;         ///< also the section of its settings
    const char* version;
    NameList provides;
    NameList requires_;
    const SettingSpec* settings;
    std::uint32_t settings_count;
    Plugin* (*create)();
    void (*destroy)(Plugin*);
};

inline constexpr std::uint32_t kDescriptorMagic = 0x50484152;  // "PHAR"

template <std::size_t N>
constexpr std::uint32_t count_of(const SettingSpec (&)[N]) noexcept {
    return N;
}
constexpr std::uint32_t count_of(std::nullptr_t) noexcept { return 0; }

}  // namespace pharos::spi

#define PHAROS_PROVIDES(...)  \
    ::pharos::spi::NameList { \
        { __VA_ARGS__ }       \
    }
#define PHAROS_REQUIRES(...)  \
    ::pharos::spi::NameList { \
        { __VA_ARGS__ }       \
    }

#define PHAROS_NO_SETTINGS nullptr

/// Makes a shared library a plugin. `SETTINGS` is a constant array of SettingSpec, or PHAROS_NO_SETTINGS.
#define PHAROS_PLUGIN(CLASS, NAME, VERSION, PROVIDES, REQUIRES, SETTINGS)                                    \
    extern "C" __attribute__((visibility("default"), used, section("pharos")))                               \
    const ::pharos::spi::Descriptor pharos_plugin = {::pharos::spi::kDescriptorMagic,                        \
                                                     sizeof(::pharos::spi::Descriptor),                      \
                                                     &PHAROS_SPI_ABI_SYMBOL,                                 \
                                                     PHAROS_FINGERPRINT,                                     \
                                                     NAME,                                                   \
                                                     VERSION,                                                \
                                                     PROVIDES,                                               \
                                                     REQUIRES,                                               \
                                                     SETTINGS,                                               \
                                                     ::pharos::spi::count_of(SETTINGS),                      \
                                                     []() -> ::pharos::spi::Plugin* { return new CLASS(); }, \
                                                     [](::pharos::spi::Plugin* plugin) { delete plugin; }};
