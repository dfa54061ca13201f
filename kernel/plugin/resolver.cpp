#include "plugin/resolver.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace pharos::plugin {

namespace {

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

bool provides(const Dependencies& plugin, const std::string& interface) {
    return std::find(plugin.provides.begin(), plugin.provides.end(), interface) != plugin.provides.end();
}

/// Depth-first walk that emits providers before those who require them. Everything required is there.
class Walk {
public:
    explicit Walk(const std::vector<Dependencies>& plugins) : plugins_(plugins), state_(plugins.size(), State::kNew) {
        for (std::size_t i = 0; i < plugins.size(); ++i) {
            if (plugins[i].left_out.empty()) {
                for (const std::string& interface : plugins[i].provides) {
                    providers_[interface].push_back(i);
                }
            }
        }
    }

    /// False: there is a circle.
    bool visit(std::size_t index) {
        if (state_[index] == State::kDone || !plugins_[index].left_out.empty()) {
            return true;
        }
        path_.push_back(index);
        if (state_[index] == State::kOpen) {
            return false;
        }
        state_[index] = State::kOpen;
        for (std::string interface : plugins_[index].requires_) {
            if (interface.ends_with('?')) {
                interface.pop_back();
            }
            for (const std::size_t provider : providers_[interface]) {
                if (provider != index && !visit(provider)) {
                    return false;
                }
            }
        }
        state_[index] = State::kDone;
        path_.pop_back();
        order_.push_back(index);
        return true;
    }

    /// After a visit that found one: from the plugin that closes it to the same one again.
    [[nodiscard]] std::vector<std::size_t> circle() const {
        return {std::find(path_.begin(), path_.end(), path_.back()), path_.end()};
    }
    std::vector<std::size_t> take_order() { return std::move(order_); }

private:
    enum class State { kNew, kOpen, kDone };

    const std::vector<Dependencies>& plugins_;
    std::map<std::string, std::vector<std::size_t>> providers_;
    std::vector<State> state_;
    std::vector<std::size_t> path_;
    std::vector<std::size_t> order_;
};

/// Leaves out what lacks something, and then what lacks that.
spi::Status leave_out_unfulfilled(std::vector<Dependencies>& plugins) {
    for (bool changed = true; changed;) {
        changed = false;
        for (Dependencies& plugin : plugins) {
            const std::string missing = plugin.left_out.empty() ? missing_need(plugins, plugin) : std::string();
            if (missing.empty()) {
                continue;
            }
            if (!plugin.optional) {
                return bad("plugin '" + plugin.name + "' " + missing);
            }
            plugin.left_out = missing;
            changed = true;
        }
    }
    return {};
}

/// An error when none of those in the circle may be left out.
spi::Status leave_out_circle(std::vector<Dependencies>& plugins, const std::vector<std::size_t>& circle) {
    std::string text = "plugins require each other in a circle: ";
    for (std::size_t i = 0; i < circle.size(); ++i) {
        text += (i == 0 ? "'" : " → '") + plugins[circle[i]].name + "'";
    }
    bool changed = false;
    for (const std::size_t index : circle) {
        if (plugins[index].optional) {
            plugins[index].left_out = text;
            changed = true;
        }
    }
    return changed ? spi::Status() : bad(std::move(text));
}

}  // namespace

std::string missing_need(const std::vector<Dependencies>& all, const Dependencies& plugin) {
    for (const std::string& interface : plugin.requires_) {
        if (interface.ends_with('?')) {
            continue;
        }
        const Dependencies* left_out = nullptr;
        bool found = false;
        for (const Dependencies& candidate : all) {
            if (provides(candidate, interface)) {
                found = found || candidate.left_out.empty();
                left_out = candidate.left_out.empty() ? left_out : &candidate;
            }
        }
        if (!found) {
            return "requires " + interface + ", which " +
                   (left_out == nullptr
                        ? std::string("no enabled plugin provides")
                        : "plugin '" + left_out->name + "' would provide, but it is left out: " + left_out->left_out);
        }
    }
    return {};
}

spi::Result<std::vector<std::size_t>> start_order(std::vector<Dependencies>& plugins) {
    std::set<std::string> names;
    for (const Dependencies& plugin : plugins) {
        if (!names.insert(plugin.name).second) {
            return bad("two plugins are named '" + plugin.name + "'");
        }
    }
    // Each round but the last leaves out at least one.
    for (;;) {
        if (spi::Status status = leave_out_unfulfilled(plugins); !status) {
            return status;
        }
        Walk walk(plugins);
        bool in_order = true;
        for (std::size_t i = 0; i < plugins.size() && in_order; ++i) {
            in_order = walk.visit(i);
        }
        if (in_order) {
            return walk.take_order();
        }
        if (spi::Status status = leave_out_circle(plugins, walk.circle()); !status) {
            return status;
        }
    }
}

}  // namespace pharos::plugin
