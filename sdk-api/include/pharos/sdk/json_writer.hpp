#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace pharos::sdk {

/// Appends JSON text to a string, compactly and in the order of the calls. Commas are put by the writer; braces and
/// brackets must be balanced by the caller. Text is expected to be UTF-8 and is escaped as far as JSON demands;
/// bytes that are not valid UTF-8 pass through unchanged.
class JsonWriter {
public:
    explicit JsonWriter(std::string& out) noexcept : out_(out) {}

    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }

    JsonWriter& key(std::string_view name) {
        comma();
        quoted(name);
        out_ += ':';
        comma_ = false;
        return *this;
    }

    JsonWriter& value(std::string_view text) {
        comma();
        quoted(text);
        return *this;
    }
    JsonWriter& value(const char* text) { return value(std::string_view(text)); }
    JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
    template <std::integral T>
    JsonWriter& value(T number) {
        comma();
        if constexpr (std::same_as<T, bool>) {
            out_ += number ? "true" : "false";
        } else {
            char text[24];
            const char* end = std::to_chars(text, text + sizeof text, number).ptr;
            out_.append(text, static_cast<std::size_t>(end - text));
        }
        return *this;
    }
    /// Always with a fraction or exponent: 1.0, 0.5, 1e+20 (`protocol/naming.md §0`).
    JsonWriter& value(double number) {
        comma();
        append_double(out_, number);
        return *this;
    }
    JsonWriter& null() { return raw("null"); }
    /// Text that is JSON already.
    JsonWriter& raw(std::string_view json) {
        comma();
        out_ += json;
        return *this;
    }

    template <class T>
    JsonWriter& member(std::string_view name, const T& content) {
        return key(name).value(content);
    }

    static void append_double(std::string& out, double number);
    static void append_quoted(std::string& out, std::string_view text);

private:
    JsonWriter& open(char brace) {
        comma();
        out_ += brace;
        comma_ = false;
        return *this;
    }
    JsonWriter& close(char brace) {
        out_ += brace;
        comma_ = true;
        return *this;
    }
    void comma() {
        if (comma_) {
            out_ += ',';
        }
        comma_ = true;
    }
    void quoted(std::string_view text) { append_quoted(out_, text); }

    std::string& out_;
    bool comma_ = false;
};

}  // namespace pharos::sdk
