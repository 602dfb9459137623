# SPDX-License-Identifier: ISC
"""Small errors that can be made in a source: a statement, a condition, an
operator, a number, a result, a label, two arguments."""

import re


def blanked(text):
    """The text with blanks for comments, strings and preprocessor lines."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
                  r"|^#(?:[^\n]*\\\n)*[^\n]*$", blank, text, flags=re.S | re.M)


def closing(code, start):
    """The end of what is opened at the start, its bracket included."""
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] in "({[") - (code[at] in ")}]")
        if depth == 0:
            return at + 1
    raise ValueError("a bracket is not closed")


def end_of_statement(code, start):
    """Where the statement that starts there ends."""
    at = start + len(code[start:]) - len(code[start:].lstrip())
    if code[at] == "{":
        return closing(code, at)
    head = re.compile(r"(if|while|for|switch) \(").match(code, at)
    if head:
        end = end_of_statement(code, closing(code, head.end() - 1))
        other = re.compile(r"\s*else\b").match(code, end)
        return end_of_statement(code, other.end()) if other else end
    while code[at] != ";":
        at = closing(code, at) if code[at] in "({[" else at + 1
    return at + 1


def arguments(code, start):
    """The spans of the arguments of a call whose bracket opens there."""
    end, spans, first = closing(code, start) - 1, [], start + 1
    at = first
    while at < end:
        if code[at] == ",":
            spans.append((first, at))
            first = at + 1
        at = closing(code, at) if code[at] in "({[" else at + 1
    spans.append((first, end))
    return [(a + len(code[a:b]) - len(code[a:b].lstrip()), b)
            for a, b in spans]


OPPOSITES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=",
             "!=": "==", "&&": "||", "||": "&&"}
DECLARATION = re.compile(
    r"(const|static|struct|enum|union|unsigned|char|bool|int|short|double)\b"
    r"|\w+ \*?\w+( =|;|\[|,)(?<!return)")
NOT_DELETED = re.compile(r"(return|case|default|goto|assert|log_debug\w*)\b|$")


class Draft:
    """What can be changed in one source: kind, start, end, the new text."""

    def __init__(self, text):
        self.text, self.code = text, blanked(text)
        self.found = []
        for body in re.finditer(r"^\{$", self.code, re.M):
            self.start = body.start()
            self.end = closing(self.code, self.start)
            for draw in (self.statements, self.conditions, self.operators,
                         self.numbers, self.results, self.labels,
                         self.calls, self.elses):
                draw()

    def matches(self, pattern):
        return re.compile(pattern).finditer(self.code, self.start, self.end)

    def add(self, kind, start, end, new):
        """A change; lines stay where they are."""
        new += "\n" * (self.text[start:end].count("\n") - new.count("\n"))
        if not re.match(r"\s*(assert|log_debug|log_enabled)",
                        self.code[self.code.rfind("\n", 0, start):end]):
            self.found.append((kind, start, end, new))

    def statements(self):
        for place in self.matches(r"[;{})]\s*\n\t+(?=[\w(*+-])|: *\n\t+"):
            start = place.end()
            if re.match(r"(if|while|for|switch|do|else)\b", self.code[start:]):
                continue
            end = end_of_statement(self.code, start)
            statement = self.code[start:end]
            if not (DECLARATION.match(statement) or
                    NOT_DELETED.match(statement) or "{" in statement):
                self.add("statement left out", start, end, ";")

    def conditions(self):
        for place in self.matches(r"\b(if|while) (?=\()"):
            start = place.end()
            end = closing(self.code, start)
            old = self.text[start:end]
            self.add("condition negated", start, end, f"(!{old})")
            if place.group(1) == "if":
                self.add("condition left out", start, end, "(1)")
                self.add("never done", start, end, "(0)")

    def operators(self):
        for place in self.matches(r"(?<=\s)([<>=!]=|[<>]|&&|\|\|)(?=\s)"):
            self.add("other operator", *place.span(),
                     OPPOSITES[place.group()])
        for place in self.matches(r"(?<=\w )[-+](?= )|(?<=\w)(\+\+|--)"):
            new = {"+": "-", "-": "+", "++": "--", "--": "++"}[place.group()]
            self.add("other operator", *place.span(), new)

    def numbers(self):
        for place in self.matches(r"(?<![\w.-])\d+(?=[UL]*\b)(?![.x])"):
            n = int(place.group())
            for new in {n + 1, max(n - 1, 0)} - {n}:
                self.add("other number", *place.span(), str(new))

    def results(self):
        for place in self.matches(r"\breturn ([^;]+)(?=;)"):
            span, old = place.span(1), place.group(1)
            new = {"true": ["false"], "false": ["true"], "-1": ["0"],
                   "0": ["-1"], "NULL": []}.get(old, ["0", "1"])
            for value in new:
                self.add("other result", *span, value)

    def labels(self):
        for place in self.matches(r"\bcase [\w ]+:"):
            self.add("case left out", *place.span(), "")

    def calls(self):
        for place in self.matches(r"\b(?!if|for|while|switch)\w+(?=\()"):
            spans = arguments(self.code, place.end())
            for (a, b), (c, d) in zip(spans, spans[1:]):
                first, second = self.text[a:b], self.text[c:d]
                if first != second:
                    self.add("arguments swapped", a, d,
                             second + self.text[b:c] + first)

    def elses(self):
        for place in self.matches(r"\belse\b"):
            end = end_of_statement(self.code, place.end())
            self.add("else left out", place.start(), end, "")
