//! Which core a seed is played on.

/// Keeps the calling thread, and those that it begins, on one of the cores that this process may use. A seed's threads
/// hand every call to each other and never run at once: across cores each hand-over costs a wake-up more (measured: a
/// quarter of the time). Where the system offers no such thing, nothing changes.
#[cfg(target_os = "linux")]
pub fn stay_on_core(number: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    let place = number.checked_rem(cores.len()).unwrap_or(0);
    if let Some(core) = cores.get(place) {
        let mut one = CpuSet::new();
        one.set(*core);
        // Refused: slower, and nothing else.
        let _ = sched_setaffinity(None, &one);
    }
}

/// Here the system decides.
#[cfg(not(target_os = "linux"))]
pub fn stay_on_core(_number: usize) {}
