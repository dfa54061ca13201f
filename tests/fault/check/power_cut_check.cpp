// Cuts a recording at many places, and looks at each disk that may be left.
//
//   power-cut-check store RECORDING ACKS CUTS SEED FOLDER     opens the store on each; prints one line of JSON
//   power-cut-check image RECORDING PLACE LOSS SEED FOLDER    writes one disk into the folder
//
// A line of ACKS is "KEY VERSION BEGIN END": the length of the recording when the publish was sent, and when its
// acknowledgement had arrived; 0: it never did. LOSS is a number, see Loss.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "../shim/recorder.hpp"
#include "disk.hpp"
#include "environment.hpp"
#include "file_check.hpp"

namespace fs = std::filesystem;
using namespace pharos;
using fault::Disk;
using fault::Loss;
using storage_lmdb::Environment;

namespace {

struct Sent {
    int version;
    std::uint64_t begin;
    std::uint64_t end;
};
using Publishes = std::map<int, std::vector<Sent>>;

std::string contents_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        std::fprintf(stderr, "power-cut-check: %s can't be read\n", file.c_str());
        std::exit(2);
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

/// What the client sent; tests/fault/workload.py has the same.
std::string content_of(int key, int version) {
    const int size = (key * 7919 + version * 104729) % (version % 10 == 0 ? 20000 : 3000);
    std::string text = "CUT key=" + std::to_string(key) + " version=" + std::to_string(version) + " ";
    for (int i = 0; i < size; ++i) {
        text.push_back(static_cast<char>('a' + (key * 31 + version * 17 + i) % 26));
    }
    return text + " END";
}

void write_files(const Disk& disk, const std::map<std::string, std::string>& files, const fs::path& folder) {
    for (const std::string& name : disk.folders()) {
        fs::create_directories(folder / name);
    }
    for (const auto& [name, bytes] : files) {
        fs::create_directories((folder / name).parent_path());
        std::ofstream(folder / name, std::ios::binary | std::ios::trunc) << bytes;
    }
}

/// The versions in the store by key; an error text when something is not as it was sent.
std::string read_store(const fs::path& folder, std::map<int, int>& versions) {
    Environment environment(
        {.directory = folder, .map_bytes = std::uint64_t{1} << 30, .max_bytes = std::uint64_t{1} << 29});
    if (const spi::Status opened = environment.open(); !opened) {
        return "it does not open: " + opened.message();
    }
    std::string wrong;
    const storage_lmdb::ReadTxn txn(environment);
    spi::UniqueFunction<bool(std::string_view, std::string_view)> each = [&](std::string_view key,
                                                                             std::string_view value) {
        const std::size_t at = value.find("CUT key=");
        int number = 0;
        int version = 0;
        if (at == std::string_view::npos ||
            std::sscanf(std::string(value.substr(at, 60)).c_str(), "CUT key=%d version=%d ", &number, &version) != 2 ||
            !value.substr(at).starts_with(content_of(number, version))) {
            wrong = "the value of " + storage_lmdb::printable(key) + " is none that was sent";
            return false;
        }
        versions[number] = version;
        return true;
    };
    environment.scan(txn.get(), Environment::Table::kData, "config/", "config/", each);
    if (wrong.empty()) {
        spi::Result<storage_lmdb::PageFile> file = storage_lmdb::PageFile::open(folder / "data.mdb");
        auto report = storage_lmdb::inspect(file.value(), *file->newest_meta());
        wrong = !report ? report.error().message() : report->is_whole() ? "" : report->problems.front();
    }
    return wrong;
}

std::string check_cut(const fs::path& folder, const Publishes& publishes, std::uint64_t place, std::uint64_t& checked) {
    std::map<int, int> versions;
    if (std::string wrong = read_store(folder, versions); !wrong.empty()) {
        return wrong;
    }
    for (const auto& [key, sent] : publishes) {
        int acknowledged = 0;
        int begun = 0;
        for (const Sent& one : sent) {
            acknowledged = one.end != 0 && one.end <= place ? std::max(acknowledged, one.version) : acknowledged;
            begun = one.begin <= place ? std::max(begun, one.version) : begun;
        }
        const auto found = versions.find(key);
        const int version = found == versions.end() ? 0 : found->second;
        if (version < acknowledged || version > begun) {
            return "key " + std::to_string(key) + ": version " + std::to_string(acknowledged) + " was acknowledged, " +
                   std::to_string(begun) + " sent, and " + std::to_string(version) + " is there";
        }
        checked += acknowledged != 0 ? 1 : 0;
    }
    return "";
}

int check_store(const std::string& recording, const Publishes& publishes, int cuts, std::uint64_t seed,
                const fs::path& folder) {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> places;
    for (int i = 0; i < cuts; ++i) {
        places.push_back(random() % (recording.size() + 1));
    }
    std::sort(places.begin(), places.end());
    Disk disk(recording);
    std::uint64_t checked = 0;
    int bad = 0;
    for (int i = 0; i < cuts; ++i) {
        const std::uint64_t place = places[static_cast<std::size_t>(i)];
        const Loss loss = fault::kLosses[i % std::size(fault::kLosses)];
        disk.play_until(place);
        fs::remove_all(folder);
        write_files(disk, disk.after_cut(loss, seed + static_cast<std::uint64_t>(i)), folder);
        const std::string wrong = check_cut(folder / "store", publishes, place, checked);
        if (!wrong.empty()) {
            ++bad;
            std::fprintf(stderr, "cut at %llu, loss %d, seed %llu: %s\n", static_cast<unsigned long long>(place),
                         static_cast<int>(loss), static_cast<unsigned long long>(seed) + i, wrong.c_str());
        }
    }
    fs::remove_all(folder);
    std::printf("{\"cuts\": %d, \"bad\": %d, \"acknowledged_checked\": %llu, \"recording_bytes\": %zu}\n", cuts, bad,
                static_cast<unsigned long long>(checked), recording.size());
    return bad == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string what = count == 7 ? arguments[1] : "";
    if (what != "store" && what != "image") {
        std::fputs("usage: see the head of power_cut_check.cpp\n", stderr);
        return 2;
    }
    const std::string recording = contents_of(arguments[2]);
    const std::uint64_t seed = std::strtoull(arguments[5], nullptr, 10);
    const fs::path folder = arguments[6];
    if (what == "image") {
        Disk disk(recording);
        disk.play_until(std::strtoull(arguments[3], nullptr, 10));
        write_files(disk, disk.after_cut(static_cast<Loss>(std::atoi(arguments[4])), seed), folder);
        for (const std::string& name : disk.mapped()) {
            std::fprintf(stderr, "written through a map, and so not seen: %s\n", name.c_str());
        }
        return 0;
    }
    Publishes publishes;
    std::ifstream acks(arguments[3]);
    int key = 0;
    for (Sent sent{}; acks >> key >> sent.version >> sent.begin >> sent.end;) {
        publishes[key].push_back(sent);
    }
    return check_store(recording, publishes, std::atoi(arguments[4]), seed, folder);
}
