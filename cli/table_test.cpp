#include "cli/table.hpp"

#include <gtest/gtest.h>

namespace pharos::cli {
namespace {

TEST(Table, AlignsByWidthOnTheScreen) {
    Table table({"DATA ID", "GROUP"});
    table.add({"配置.yaml", "G1"});
    table.add({"a", "DEFAULT_GROUP"});
    EXPECT_EQ(table.text(0),
              "DATA ID    GROUP\n"
              "配置.yaml  G1\n"
              "a          DEFAULT_GROUP\n");
}

TEST(Table, CutsTheWidestColumnToTheTerminal) {
    Table table({"NAME", "X"});
    table.add({"a-very-long-name-indeed", "1"});
    EXPECT_EQ(table.text(15),
              "NAME          X\n"
              "a-very-long…  1\n");
}

TEST(Table, DoesNotCutBelowEight) {
    Table table({"NAME", "OTHER"});
    table.add({"0123456789", "0123456789"});
    EXPECT_EQ(table.text(4),
              "NAME      OTHER\n"
              "0123456…  0123456…\n");
}

TEST(Table, KeepsControlCharactersFromTheTerminal) {
    Table table({"A", "B"});
    table.add({"x\x1b[31my\n\tz", ""});
    EXPECT_EQ(table.text(0),
              "A          B\n"
              "x [31my z  -\n");
}

}  // namespace
}  // namespace pharos::cli
