#include "plugin/resolver.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace pharos::plugin {

namespace {

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

/// Depth-first walk that emits providers before those who require them.
class Walk {
public:
    explicit Walk(const std::vector<Dependencies>& plugins) : plugins_(plugins), state_(plugins.size(), State::kNew) {
        for (std::size_t i = 0; i < plugins.size(); ++i) {
            for (const std::string& interface : plugins[i].provides) {
                providers_[interface].push_back(i);
            }
        }
    }

    spi::Status visit(std::size_t index) {
        if (state_[index] == State::kDone) {
            return {};
        }
        path_.push_back(index);
        if (state_[index] == State::kOpen) {
            return cycle(index);
        }
        state_[index] = State::kOpen;
        for (std::string interface : plugins_[index].requires_) {
            const bool optional = interface.ends_with('?');
            if (optional) {
                interface.pop_back();
            }
            const auto found = providers_.find(interface);
            if (found == providers_.end()) {
                if (optional) {
                    continue;
                }
                return bad("plugin '" + plugins_[index].name + "' requires " + interface +
                           ", which no enabled plugin provides");
            }
            for (const std::size_t provider : found->second) {
                if (provider != index) {
                    if (spi::Status status = visit(provider); !status) {
                        return status;
                    }
                }
            }
        }
        state_[index] = State::kDone;
        path_.pop_back();
        order_.push_back(index);
        return {};
    }

    std::vector<std::size_t> take_order() { return std::move(order_); }

private:
    enum class State { kNew, kOpen, kDone };

    spi::Status cycle(std::size_t index) const {
        std::string text = "plugins require each other in a circle: ";
        for (auto at = std::find(path_.begin(), path_.end(), index); at != path_.end(); ++at) {
            text += "'" + plugins_[*at].name + "'";
            text += std::next(at) == path_.end() ? "" : " → ";
        }
        return bad(std::move(text));
    }

    const std::vector<Dependencies>& plugins_;
    std::map<std::string, std::vector<std::size_t>> providers_;
    std::vector<State> state_;
    std::vector<std::size_t> path_;
    std::vector<std::size_t> order_;
};

}  // namespace

spi::Result<std::vector<std::size_t>> start_order(const std::vector<Dependencies>& plugins) {
    std::set<std::string> names;
    for (const Dependencies& plugin : plugins) {
        if (!names.insert(plugin.name).second) {
            return bad("two plugins are named '" + plugin.name + "'");
        }
    }
    Walk walk(plugins);
    for (std::size_t i = 0; i < plugins.size(); ++i) {
        if (spi::Status status = walk.visit(i); !status) {
            return status;
        }
    }
    return walk.take_order();
}

}  // namespace pharos::plugin
