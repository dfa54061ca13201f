#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include <pharos/sdk/shared_cell.hpp>

namespace pharos::sdk {
namespace {

TEST(SharedCell, ReadersSeeWholeValuesWhileWritersReplaceThem) {
    SharedCell<const std::vector<int>> cell(std::make_shared<const std::vector<int>>(8, 0));
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&cell, t] {
            for (int i = 0; i < 5000; ++i) {
                cell.store(std::make_shared<const std::vector<int>>(8, i * 2 + t));
            }
        });
        threads.emplace_back([&cell] {
            for (int i = 0; i < 5000; ++i) {
                const auto seen = cell.load();
                EXPECT_EQ(seen->front(), seen->back());
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    cell.store(nullptr);
    EXPECT_EQ(cell.load(), nullptr);
}

}  // namespace
}  // namespace pharos::sdk
