//! Processor time and memory, as Linux tells them; 0 where the system does not.

use std::fs;

/// Ticks of the counters in `/proc/*/stat`, microseconds (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>:
/// clock ticks, of which every Linux system shows 100 per second).
const TICK_MICROS: u64 = 10_000;

/// User and system time in a `stat` file, microseconds.
fn micros_in(stat: &str) -> u64 {
    // The name in parentheses may hold blanks.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
    ticks * TICK_MICROS
}

fn text_of(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Processor time of this process so far, microseconds.
pub(super) fn process_micros() -> u64 {
    micros_in(&text_of("/proc/self/stat"))
}

/// Processor time so far of this process's threads with this name, microseconds.
pub(super) fn threads_micros(name: &str) -> u64 {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return 0 };
    let paths = threads.flatten().map(|thread| thread.path());
    let named = paths.filter(|path| text_of(&path.join("comm").to_string_lossy()).trim() == name);
    named.map(|path| micros_in(&text_of(&path.join("stat").to_string_lossy()))).sum()
}

/// Processor time so far of a PostgreSQL server's sessions on a database, microseconds: those of this machine that bear
/// its name in their title.
pub(super) fn sessions_micros(database: &str) -> u64 {
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    let paths = processes.flatten().map(|process| process.path());
    let titled = paths.filter(|path| {
        let title = text_of(&path.join("cmdline").to_string_lossy());
        title.starts_with("postgres: ") && title.split_whitespace().any(|word| word == database)
    });
    titled.map(|path| micros_in(&text_of(&path.join("stat").to_string_lossy()))).sum()
}

/// Resident memory of this process, KiB.
pub(super) fn resident_kib() -> u64 {
    of_status("VmRSS:")
}

/// The most resident memory of this process since [`forget_peak`], KiB.
pub(super) fn peak_kib() -> u64 {
    of_status("VmHWM:")
}

/// Begins to watch for the peak anew (<https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html>: 5).
pub(super) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

fn of_status(name: &str) -> u64 {
    let status = text_of("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_a_name_with_blanks() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 5 0 0 0 12 3 9 9 20 0 1 0 100 1 1";
        assert_eq!(micros_in(stat), 150_000);
        assert_eq!(micros_in(""), 0);
    }
}
