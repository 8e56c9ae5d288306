import sys
import threading


class Ledger:
    def save(self, entry):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()  # line 9


def wait(event):
    event.wait()  # line 13


def main():
    event = threading.Event()
    threading.Thread(target=wait, args=(event,), daemon=True).start()
    entries = ["grüße",
               "日本"]
    for entry in entries:
        Ledger().save(entry)  # line 22


def grüße():
    main()


if __name__ == "__main__":
    grüße()  # line 30
