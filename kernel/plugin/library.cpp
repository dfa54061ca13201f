#include "plugin/library.hpp"

#include <algorithm>
#include <boost/dll/library_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <exception>
#include <mutex>

namespace pharos::plugin {

namespace fs = std::filesystem;

namespace {

spi::Status bad(std::string message) { return {spi::Code::kInvalidArgument, std::move(message)}; }

std::string joined(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) {
        text += (text.empty() ? "" : ", ") + item;
    }
    return text.empty() ? "none" : text;
}

bool has_descriptor(const fs::path& file) {
    boost::dll::library_info info(file.string(), true);
    const std::vector<std::string> symbols = info.symbols("pharos");
    return std::find(symbols.begin(), symbols.end(), "pharos_plugin") != symbols.end();
}

/// Libraries are never closed (code of theirs may be referenced from anywhere), so their handles are never destroyed.
void keep_for_ever(boost::dll::shared_library library) {
    static std::mutex mutex;
    static auto* const kept = new std::vector<boost::dll::shared_library>();
    std::lock_guard lock(mutex);
    kept->push_back(std::move(library));
}

}  // namespace

std::vector<std::string> names_of(const spi::NameList& list) {
    std::vector<std::string> names;
    for (const char* name : list.names) {
        if (name != nullptr) {
            names.emplace_back(name);
        }
    }
    return names;
}

fs::path own_directory() {
    std::error_code error;
    const fs::path binary = fs::read_symlink("/proc/self/exe", error);
    return binary.parent_path().parent_path() / "lib" / "pharos" / "plugins";
}

std::vector<std::string> list_libraries(const std::vector<fs::path>& directories) {
    std::vector<std::string> names;
    for (const fs::path& directory : directories) {
        std::error_code error;
        for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
            if (entry.path().extension() == ".so") {
                names.push_back(entry.path().stem().string());
            }
        }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

spi::Result<fs::path> find_library(const std::string& name, const std::vector<fs::path>& directories) {
    std::vector<std::string> looked_in;
    for (const fs::path& directory : directories) {
        fs::path file = directory / (name + ".so");
        std::error_code error;
        if (fs::is_regular_file(file, error)) {
            return file;
        }
        looked_in.push_back(directory.string());
    }
    return bad("plugin '" + name + "' is not known: no " + name + ".so in " + joined(looked_in) +
               "; there are: " + joined(list_libraries(directories)));
}

spi::Result<const spi::Descriptor*> load_library(const fs::path& file) {
    const std::string where = "plugin file " + file.string() + ": ";
    try {
        if (!has_descriptor(file)) {
            return bad(where + "has no plugin descriptor (PHAROS_PLUGIN)");
        }
        using Mode = boost::dll::load_mode::type;
        boost::dll::shared_library library(file.string(), Mode::rtld_now | Mode::rtld_local);
        const auto& descriptor = library.get<const spi::Descriptor>("pharos_plugin");
        keep_for_ever(std::move(library));
        if (descriptor.magic != spi::kDescriptorMagic || descriptor.size != sizeof(spi::Descriptor)) {
            return bad(where + "its descriptor has another layout; build it against this version's SDK");
        }
        if (std::string_view(descriptor.fingerprint) != PHAROS_FINGERPRINT) {
            return bad(where + "was built with '" + descriptor.fingerprint + "', this server with '" +
                       PHAROS_FINGERPRINT + "'");
        }
        if (file.stem() != descriptor.name) {
            return bad(where + "calls itself '" + descriptor.name + "'; file and plugin must have one name");
        }
        return &descriptor;
    } catch (const std::exception& error) {
        return bad(where + "can't be loaded: " + error.what());
    }
}

}  // namespace pharos::plugin
