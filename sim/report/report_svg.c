/* sim/report/report_svg.c - gnuplot's SVG made fit for light and dark pages. Works on its text, tag
 * by tag; knows what gnuplot 5.4 writes and passes anything else through. */
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"

/* As browsers do without a style; other viewers fall back to black on nothing. */
static const char STANDALONE_STYLE[] =
    "<style>svg{color-scheme:light dark;color:CanvasText;background:Canvas}</style>";

/* What gnuplot writes for black, in attributes and in style text. */
static const char *const BLACKS[] = {"rgb(  0,   0,   0)", "rgb(0, 0, 0)", "black", "#000000"};

static bool starts_with(const char *text, const char *word) {
    return strncmp(text, word, strlen(word)) == 0;
}

/* Copies one attribute value or style text up to `end`, black replaced. */
static void put_value(FILE *out, const char *text, const char *end) {
    while (text < end) {
        size_t skip = 0;
        for (size_t i = 0; i < sizeof BLACKS / sizeof BLACKS[0] && skip == 0; i++)
            if (starts_with(text, BLACKS[i]))
                skip = strlen(BLACKS[i]);
        if (skip != 0)
            fputs("currentColor", out);
        else
            fputc(*text, out);
        text += skip != 0 ? skip : 1;
    }
}

struct attribute {
    const char *name, *name_end;
    const char *value, *value_end; /* without the quotes */
};
/* The next attribute from *at on, before `end` (the tag's '>'); false: no more. */
static bool next_attribute(const char **at, const char *end, struct attribute *out) {
    const char *name = *at + strspn(*at, " \t\r\n");
    const char *equals = name + strcspn(name, "=>");
    if (equals >= end || *equals != '=')
        return false;
    const char *quote = equals + 1 + strspn(equals + 1, " \t\r\n");
    if (quote >= end || (*quote != '"' && *quote != '\''))
        return false;
    const char *close = strchr(quote + 1, *quote);
    if (close == NULL)
        return false;
    const char *name_end = name + strcspn(name, " \t\r\n=");
    *out = (struct attribute){name, name_end, quote + 1, close};
    *at = close + 1;
    return true;
}

static bool attribute_is(const struct attribute *attribute, const char *name) {
    size_t len = (size_t)(attribute->name_end - attribute->name);
    return strlen(name) == len && memcmp(attribute->name, name, len) == 0;
}

/* A reference "#id" or "url(#id)" with the prefix put behind '#'. */
static void put_reference(FILE *out, const struct attribute *attribute, const char *prefix) {
    const char *hash =
        memchr(attribute->value, '#', (size_t)(attribute->value_end - attribute->value));
    if (hash == NULL) {
        put_value(out, attribute->value, attribute->value_end);
        return;
    }
    fwrite(attribute->value, 1, (size_t)(hash + 1 - attribute->value), out);
    fputs(prefix, out);
    fwrite(hash + 1, 1, (size_t)(attribute->value_end - hash - 1), out);
}

/* One attribute, or nothing when the page has no use for it. */
static void put_attribute(FILE *out, const struct attribute *attribute, const char *prefix,
                          bool root, bool standalone) {
    if (!standalone && (attribute_is(attribute, "xmlns") || attribute_is(attribute, "xmlns:xlink")))
        return;
    bool size = attribute_is(attribute, "width") || attribute_is(attribute, "height");
    if (root && !standalone && size)
        return;
    bool link = attribute_is(attribute, "xlink:href");
    bool reference = link || attribute_is(attribute, "filter") || attribute_is(attribute, "mask") ||
                     attribute_is(attribute, "clip-path") || attribute_is(attribute, "marker-end");
    bool url_fill = attribute_is(attribute, "fill") && starts_with(attribute->value, "url(");
    fputc(' ', out);
    if (link && !standalone)
        fputs("href", out);
    else
        fwrite(attribute->name, 1, (size_t)(attribute->name_end - attribute->name), out);
    fputs("=\"", out);
    if (attribute_is(attribute, "id"))
        fputs(prefix, out);
    if (reference || url_fill)
        put_reference(out, attribute, prefix);
    else
        put_value(out, attribute->value, attribute->value_end);
    fputc('"', out);
}

/* Copies the tag that starts at `tag` ('<'); returns what is behind its '>'. */
static const char *put_tag(FILE *out, const char *tag, const char *prefix, bool standalone) {
    const char *end = strchr(tag, '>');
    if (end == NULL)
        return tag + strlen(tag);
    size_t name_len = strcspn(tag, " \t\r\n/>");
    if (name_len == 1) /* a closing tag: "</" */
        name_len = (size_t)(end - tag);
    fwrite(tag, 1, name_len, out);
    const char *at = tag + name_len;
    struct attribute attribute;
    bool root = starts_with(tag, "<svg");
    while (next_attribute(&at, end, &attribute)) {
        put_attribute(out, &attribute, prefix, root, standalone);
        if (attribute.value_end > end) /* a '>' inside quotes */
            end = strchr(attribute.value_end, '>');
        if (end == NULL)
            return at + strlen(at);
    }
    if (root)
        fputs(" role=\"img\"", out);
    if (end[-1] == '/')
        fputs("/", out);
    fputc('>', out);
    return end + 1;
}

/* Behind an element that is left out with its content, e.g. <title>..</title>. */
static const char *skip_element(const char *tag, const char *close) {
    const char *end = strstr(tag, close);
    return end == NULL ? tag + strlen(tag) : end + strlen(close);
}

static void put_document(FILE *out, const char *svg, const char *prefix, const char *title,
                         bool standalone) {
    if (standalone)
        fputs("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n", out);
    const char *at = strstr(svg, "<svg");
    while (at != NULL && *at != '\0') {
        bool root = starts_with(at, "<svg");
        if (*at != '<')
            fputc(*at++, out);
        else if (starts_with(at, "<title>"))
            at = skip_element(at, "</title>");
        else if (starts_with(at, "<desc>"))
            at = skip_element(at, "</desc>");
        else if (starts_with(at, "<!--"))
            at = skip_element(at, "-->");
        else
            at = put_tag(out, at, prefix, standalone);
        if (root) {
            fputs("<title>", out);
            html_text(out, title);
            fputs("</title>", out);
            fputs(standalone ? STANDALONE_STYLE : "", out);
        }
    }
}

char *svg_adapt(const char *svg, const char *prefix, const char *title, bool standalone) {
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    put_document(out, svg, prefix, title, standalone);
    bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        free(text);
        return NULL;
    }
    return text;
}
