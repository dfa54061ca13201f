#include "cli/diff.hpp"

#include <gtest/gtest.h>

namespace pharos::cli {
namespace {

// The expected texts are what `diff -u` of GNU diffutils prints, without its times.

TEST(UnifiedDiff, EqualTextsHaveNone) {
    EXPECT_EQ(unified_diff("a\nb\n", "a\nb\n", "x", "y"), "");
    EXPECT_EQ(unified_diff("", "", "x", "y"), "");
}

TEST(UnifiedDiff, ShowsAChangeWithThreeLinesAround) {
    EXPECT_EQ(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "old", "new"),
              "--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(UnifiedDiff, JoinsNearChangesAndSplitsFarOnes) {
    EXPECT_EQ(unified_diff("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n", "x", "y"),
              "--- x\n+++ y\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
    EXPECT_EQ(unified_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n", "x", "y"),
              "--- x\n+++ y\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

TEST(UnifiedDiff, EmptySides) {
    EXPECT_EQ(unified_diff("", "a\nb\n", "x", "y"), "--- x\n+++ y\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    EXPECT_EQ(unified_diff("a\n", "", "x", "y"), "--- x\n+++ y\n@@ -1 +0,0 @@\n-a\n");
}

TEST(UnifiedDiff, TellsAMissingLineBreakAtTheEnd) {
    EXPECT_EQ(unified_diff("a\n", "a", "x", "y"), "--- x\n+++ y\n@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
}

TEST(UnifiedDiff, FindsTheShortestEdit) {
    EXPECT_EQ(unified_diff("a\nb\nc\nd\n", "b\nc\nx\nd\n", "x", "y"),
              "--- x\n+++ y\n@@ -1,4 +1,4 @@\n-a\n b\n c\n+x\n d\n");
}

TEST(UnifiedDiff, TextsTooLargeToCompareAreShownAsReplaced) {
    std::string before;
    std::string after;
    for (int i = 0; i < 9000; ++i) {
        before += "a" + std::to_string(i) + "\n";
        after += "b" + std::to_string(i) + "\n";
    }
    const std::string diff = unified_diff("same\n" + before, "same\n" + after, "x", "y");
    EXPECT_TRUE(diff.starts_with("--- x\n+++ y\n@@ -1,9001 +1,9001 @@\n same\n-a0\n-a1\n"));
    EXPECT_TRUE(diff.ends_with("+b8998\n+b8999\n"));
}

}  // namespace
}  // namespace pharos::cli
