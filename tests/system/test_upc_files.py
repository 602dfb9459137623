# SPDX-License-Identifier: ISC
"""upc with files by name, and with a file that is input and output at once."""

import os
import socket
import subprocess
import tempfile
import threading

import tap
from scripted import BIG, BIG_UPPER, BOUND, Server, free_port, honest
from stream import receive_all, upper
from upc_case import UPC, UpcCase, environment, running, upc


class FileCase(UpcCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def content(self, path):
        with open(path, "rb") as file:
            return file.read()


class Files(FileCase):
    def ask(self, *arguments, **more):
        with Server(honest) as server:
            return upc(*arguments, server=server.address, **more)

    def test_files_are_put_together_in_their_order(self):
        a = self.file("a", b"one\n")
        b = self.file("b", b"two without an end")
        c = self.file("c", b", three\n")
        for arguments in (("--file", a, b, c), ("-f", a, b, c),
                          (a, "-f", b, c), ("-f", a, "--file", b, c),
                          ("-f", "--", a, b, c)):
            self.assert_answered(self.ask(*arguments),
                                 b"ONE\nTWO WITHOUT AN END, THREE\n")

    def test_a_dash_is_standard_input(self):
        a = self.file("a", b"one\n")
        self.assert_answered(self.ask("-f", "-", text=b"two\n"), b"TWO\n")
        self.assert_answered(self.ask("-f", a, "-", a, text=b"two\n"),
                             b"ONE\nTWO\nONE\n")
        # It has ended by the time it is named again.
        self.assert_answered(self.ask("-f", "-", "-", text=b"two\n"),
                             b"TWO\n")

    def test_a_character_may_begin_in_one_file_and_end_in_the_next(self):
        a, b = self.file("a", b"\xc3"), self.file("b", b"\x9f\n")
        self.assert_answered(self.ask("-f", a, b), b"SS\n")

    def test_empty_files_and_8_mb_go_through(self):
        empty, big = self.file("empty", b""), self.file("big", BIG)
        self.assert_answered(self.ask("-f", empty), b"")
        self.assert_answered(self.ask("-f", empty, big, empty), BIG_UPPER)

    def test_a_file_that_is_missing_is_left_out_and_is_66(self):
        a = self.file("a", b"one\n")
        missing = os.path.join(self.folder, "missing")
        for files in ((missing, a), (a, missing), (a, missing, a)):
            outcome = self.ask("-f", *files)
            self.assert_failed(outcome, 66, missing,
                               "No such file or directory")
            self.assertEqual(outcome.stdout,
                             b"ONE\n" * (len(files) - 1))

    def test_a_directory_among_files_is_left_out_and_is_66(self):
        a = self.file("a", b"one\n")
        outcome = self.ask("-f", a, self.folder, a)
        self.assert_failed(outcome, 66, self.folder, "Is a directory")
        self.assertEqual(outcome.stdout, b"ONE\nONE\n")

    def test_where_no_file_can_be_read_no_server_is_asked(self):
        missing = os.path.join(self.folder, "missing")
        outcome = upc("-f", missing, server=f"127.0.0.1:{free_port()}")
        self.assert_failed(outcome, 66, missing)

    def test_strange_names_do_not_reach_the_terminal(self):
        outcome = upc("-f", "\x1b[31mno\n", server="127.0.0.1:1")
        self.assert_failed(outcome, 66, "[31mno")
        self.assertNotIn(b"\x1b", outcome.stderr)

    def test_no_name_is_64(self):
        self.assert_failed(upc("--file"), 64, "no file is named")

    def test_a_named_pipe_is_waited_for(self):
        path = os.path.join(self.folder, "pipe")
        os.mkfifo(path)

        def write():
            with open(path, "wb") as pipe:
                pipe.write(b"one\n")

        thread = threading.Thread(target=write)
        thread.start()
        outcome = self.ask("-f", path)
        thread.join()
        self.assert_answered(outcome, b"ONE\n")

    def test_a_server_that_ends_is_noticed_before_a_named_pipe_is(self):
        path = os.path.join(self.folder, "pipe")
        os.mkfifo(path)
        with Server(lambda peer: None) as server, \
                running("-f", path, server=server.address,
                        stderr=subprocess.PIPE) as client:
            self.assertEqual(client.wait(BOUND), 74)
            self.assertIn(b"ended the connection", client.stderr.read())

    def test_a_long_option_and_a_letter_name_the_server(self):
        with Server(honest) as server:
            for option in ("-s", "--server"):
                self.assert_answered(upc(option, server.address, "hi"),
                                     b"HI\n")


class SameFile(FileCase):
    """Input that is output: refused before anything is read of it."""

    def shell(self, command, *files):
        with Server(honest) as server:
            return subprocess.run(
                ["sh", "-c", command, UPC, *files],
                env=environment(server.address), stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                timeout=BOUND)

    def refuse(self, command, content=b"stra\xc3\x9fe\n", name="standard"):
        path = self.file("f", content)
        os.link(path, path + ".link")
        os.symlink("f", path + ".symbolic")
        try:
            outcome = self.shell(command, path)
            self.assert_failed(outcome, 66, name,
                               "also the file that the answer is written to",
                               "rename")
            self.assertEqual(self.content(path), content)
        finally:
            os.remove(path + ".link")
            os.remove(path + ".symbolic")

    def test_a_file_that_would_grow_without_end_is_refused(self):
        self.refuse('"$0" <"$1" >>"$1"')

    def test_a_file_that_would_be_overwritten_is_refused(self):
        # U+0390 becomes three characters, which would run into what follows.
        self.refuse('"$0" <"$1" 1<>"$1"', "ΐ and more\n".encode())
        self.refuse('exec 3<>"$1"; "$0" <&3 >&3')
        self.refuse('exec 3<>"$1"; head -c 4 <&3 >/dev/null; "$0" <"$1" >&3')

    def test_a_file_under_another_name_is_refused(self):
        self.refuse('"$0" <"$1" >>"$1.link"')
        self.refuse('"$0" -f "$1.symbolic" >>"$1"', name="f.symbolic")

    def test_a_file_by_name_is_refused(self):
        self.refuse('"$0" -f "$1" >>"$1"', name="/f'")
        self.refuse('"$0" -f - <"$1" >>"$1"')

    def test_a_file_that_the_shell_has_emptied_is_refused(self):
        self.refuse('"$0" <"$1" >"$1"', content=b"")

    def test_no_server_is_asked_for_it(self):
        path = self.file("f", b"text\n")
        with open(path, "rb") as text, open(path, "ab") as answer:
            outcome = upc(server=f"127.0.0.1:{free_port()}", stdin=text,
                          stdout=answer)
        self.assert_failed(outcome, 66, "also the file")

    def test_of_several_files_the_others_are_answered(self):
        a, b = self.file("a", b"one\n"), self.file("b", b"two\n")
        outcome = self.shell('"$0" -f "$1" "$2" "$1" >>"$2"', a, b)
        self.assert_failed(outcome, 66, "/b'", "also the file")
        self.assertEqual(self.content(b), b"two\nONE\nONE\n")

    def test_another_file_and_what_is_no_file_are_not_refused(self):
        a, b = self.file("a", b"one\n"), self.file("b", b"two\n")
        outcome = self.shell('"$0" <"$1" >>"$2"', a, b)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, b""))
        self.assertEqual(self.content(b), b"two\nONE\n")
        outcome = self.shell('"$0" </dev/null >/dev/null')
        self.assertEqual((outcome.returncode, outcome.stderr), (0, b""))

    def test_words_go_to_a_file_that_is_standard_input(self):
        a = self.file("a", b"one\n")
        outcome = self.shell('"$0" two <"$1" >>"$1"', a)
        self.assertEqual((outcome.returncode, outcome.stderr), (0, b""))
        self.assertEqual(self.content(a), b"one\nTWO\n")

    def test_one_pipe_or_socket_for_both_is_not_refused(self):
        ours, theirs = socket.socketpair()
        with Server(honest) as server, ours, theirs, \
                running(server=server.address, stdin=theirs, stdout=theirs,
                        stderr=subprocess.PIPE) as client:
            theirs.close()
            ours.sendall(b"one\n")
            ours.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(ours), upper(b"one\n"))
            self.assertEqual(client.wait(BOUND), 0)


if __name__ == "__main__":
    tap.main()
