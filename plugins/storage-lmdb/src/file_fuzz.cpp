// A database file as it may come from a disk: first byte 0, a whole file; else a sealed value with its key.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "file_check.hpp"
#include "page_file.hpp"
#include "sealed.hpp"

namespace {

using namespace pharos::storage_lmdb;

void demand(bool condition) {
    if (!condition) {
        std::abort();
    }
}

void look_at_file(std::string_view bytes) {
    static const int descriptor = memfd_create("store", MFD_CLOEXEC);
    static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    demand(ftruncate(descriptor, 0) == 0 &&
           pwrite(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    const pharos::spi::Status checked = check_file(path);
    auto file = PageFile::open(path);
    demand(file.is_ok());
    const auto meta = file->newest_meta();
    if (!meta) {
        demand(checked.is_ok());  // no database: for LMDB to say
        return;
    }
    auto report = inspect(*file, *meta);
    // The quick look before a start finds no fault where the whole one finds none.
    demand(!report || report->problem_count != 0 || checked.is_ok());
}

void look_at_value(std::string_view bytes) {
    const std::size_t middle = bytes.find('\n');
    const std::string_view key = bytes.substr(0, middle);
    const std::string_view value = middle == std::string_view::npos ? std::string_view{} : bytes.substr(middle + 1);
    if (const auto body = open_seal(key, value)) {
        demand(body->size() + kSealBytes == value.size());
    }
    std::string sealed(kSealBytes, '\0');
    sealed += value;
    write_seal(sealed.data(), seal_of(key, value));
    demand(open_seal(key, sealed) == value);
    // In two parts it is the same, and a changed bit is seen.
    demand(seal_of(key, value) == seal_of(key, value.substr(0, value.size() / 2), value.substr(value.size() / 2)));
    sealed[bytes.size() % sealed.size()] ^= 0x10;
    demand(!open_seal(key, sealed));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    data[0] == 0 ? look_at_file(bytes) : look_at_value(bytes);
    return 0;
}
