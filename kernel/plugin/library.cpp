#include "plugin/library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "plugin/file_bytes.hpp"
#include "plugin/own_copies.hpp"
#include "plugin/probe.hpp"

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

/// The clause as a line that names the file.
spi::Status refused(const fs::path& file, const spi::Status& clause) {
    return {clause.code(), "plugin file " + file.string() + ": " + clause.message()};
}

spi::Status check(Library& library, Owner owner) {
    std::error_code error;
    library.resolved = fs::canonical(library.file, error);
    if (error) {
        return bad("can't be found: " + error.message());
    }
    static const fs::path own = fs::weakly_canonical(own_directory(), error);
    library.foreign = library.resolved.parent_path() != own;
    if (spi::Status status = check_trust(library.resolved, owner); !status) {
        return status;
    }
    const spi::Result<FileBytes> bytes = FileBytes::map(library.resolved);
    if (!bytes) {
        return bytes.error();
    }
    const spi::Result<ElfFile> file = ElfFile::read(bytes.value().view());
    if (!file) {
        return file.error();
    }
    if (spi::Status status = read_descriptor(file.value(), library.text); !status) {
        return status;
    }
    if (library.name != library.text.name) {
        return bad("calls itself '" + library.text.name + "'; file and plugin must have one name");
    }
    if (file.value().wants_executable_stack()) {
        return bad(
            "wants an executable stack, which would make those of the whole server so; link it with "
            "-z noexecstack");
    }
    const std::vector<std::string> copies =
        library.foreign ? find_own_copies(file.value()) : std::vector<std::string>{};
    return copies.empty() ? spi::Status() : bad(copies.front());
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
    fs::path found;
    for (const fs::path& directory : directories) {
        const fs::path file = directory / (name + ".so");
        std::error_code error;
        if (name.find('/') == std::string::npos && fs::exists(file, error)) {
            if (!found.empty() && !fs::equivalent(found, file, error)) {
                return bad("plugin '" + name + "' is there twice: " + found.string() + " and " + file.string() +
                           "; keep one");
            }
            found = found.empty() ? file : found;
        }
        looked_in.push_back(directory.string());
    }
    if (!found.empty()) {
        return found;
    }
    return bad("plugin '" + name + "' is not known: no " + name + ".so in " + joined(looked_in) +
               "; there are: " + joined(list_libraries(directories)));
}

Library inspect_library(const fs::path& file, Owner owner) {
    Library library;
    library.name = file.stem().string();
    library.file = file;
    if (const spi::Status status = check(library, owner); !status) {
        library.status = refused(file, status);
    }
    return library;
}

void try_libraries(std::vector<Library>& libraries, std::chrono::milliseconds deadline,
                   const std::function<void()>& meanwhile) {
    std::vector<Library*> tried;
    std::vector<fs::path> files;
    for (Library& library : libraries) {
        if (library.foreign && library.status) {
            tried.push_back(&library);
            files.push_back(library.resolved);
        }
    }
    const std::vector<spi::Status> results = probe_libraries(files, deadline, meanwhile);
    for (std::size_t i = 0; i < tried.size(); ++i) {
        if (!results[i]) {
            tried[i]->status = refused(tried[i]->file, results[i]);
        }
    }
}

spi::Result<const spi::Descriptor*> load_library(const Library& library) {
    if (!library.status) {
        return library.status;
    }
    // Never closed: code of it may be referenced from anywhere.
    void* const handle = ::dlopen(library.resolved.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        return refused(library.file, bad(std::string("can't be loaded: ") + ::dlerror()));
    }
    const auto* descriptor = static_cast<const spi::Descriptor*>(::dlsym(handle, "pharos_plugin"));
    if (descriptor == nullptr || descriptor->magic != spi::kDescriptorMagic ||
        descriptor->size != sizeof(spi::Descriptor) || descriptor->name == nullptr ||
        library.text.name != descriptor->name) {
        return refused(library.file, bad("changed while it was loaded"));
    }
    return descriptor;
}

spi::Result<const spi::Descriptor*> load_library(const fs::path& file) {
    return load_library(inspect_library(file, Owner::of_process()));
}

}  // namespace pharos::plugin
