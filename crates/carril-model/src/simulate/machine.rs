//! The playing itself: events in order of time, queues in order of arrival. Owns all state of one play, and forgets it.
//!
//! Who waits for a rate holds no slot, so rates are passed first; then slots in order of their names, and a connection: who waits for one
//! holds those before. Lanes go to whoever waited first, in order of id.

use super::{Act, Busy, Job, Limit, Numbers, Recording};
use crate::account::CauseKind;
use crate::definition::{Rate, RateUnit};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

/// What one play came to.
pub(super) struct Played {
    /// From launch to end.
    pub(super) micros: i64,
    /// Time of all executions by cause.
    pub(super) causes: BTreeMap<CauseKind, i64>,
    /// How busy each limit was, the busiest first.
    pub(super) busy: Vec<Busy>,
    /// What it would take if nobody ever waited: the longest execution of each segment, one after the other.
    pub(super) longest_micros: i64,
}

/// Something with a number of places, or a rate.
struct Server {
    limit: Limit,
    /// Places; a rate has one, which passes whoever comes after a while.
    places: u32,
    free: u32,
    queue: VecDeque<(usize, i64)>,
    /// When the next use may begin, and how long one takes of it, for a rate: as its cell would be full.
    pace: Option<Pace>,
    busy_micros: i64,
    waited_micros: i64,
}

/// A rate as the arrival of cells: a use may begin when the next cell is due, up to `burst` of them ahead.
struct Pace {
    each_micros: i64,
    burst: i64,
    due: i64,
}

impl Pace {
    fn of(rate: &Rate) -> Self {
        let unit = match rate.per {
            RateUnit::Second => 1_000_000,
            RateUnit::Minute => 60_000_000,
            RateUnit::Hour => 3_600_000_000,
        };
        Self {
            each_micros: unit / i64::from(rate.count.max(1)),
            burst: i64::from(rate.burst.max(1)),
            due: i64::MIN / 2,
        }
    }

    /// When a use that comes now may begin; it counts.
    fn next(&mut self, now: i64) -> i64 {
        let ahead = self.each_micros * (self.burst - 1);
        let begins = now.max(self.due - ahead);
        self.due = self.due.max(begins) + self.each_micros;
        begins
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A track may ask for what its act needs.
    Ready(usize),
    /// A track's rate lets it pass.
    Passed(usize),
    /// A track's act is over.
    Done(usize),
    /// A job's last phase is over, and its lane is free.
    Over(usize),
}

/// One row of acts under way.
struct Track<'a> {
    job: usize,
    acts: &'a [Act],
    /// The act it is at.
    at: usize,
    /// Servers of that act that it has passed.
    passed: usize,
    needs: Vec<usize>,
    held: Vec<usize>,
}

struct Running<'a> {
    job: &'a Job,
    phase: usize,
    /// Tracks of the phase that are not over.
    open: usize,
    /// Since when it waits for a lane, if it does.
    since: i64,
    /// The track to go on with when it has a lane again.
    parked: Option<usize>,
}

struct Machine<'a> {
    now: i64,
    order: u64,
    events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    servers: Vec<Server>,
    by_limit: HashMap<Limit, usize>,
    jobs: Vec<Running<'a>>,
    tracks: Vec<Track<'a>>,
    lanes_free: u32,
    lane_queue: VecDeque<usize>,
    lane_busy: i64,
    lane_since: HashMap<usize, i64>,
    causes: BTreeMap<CauseKind, i64>,
}

/// Plays it; `without` a limit, if one is named.
pub(super) fn play(recording: &Recording, numbers: &Numbers, without: Option<&Limit>) -> Played {
    let mut machine = Machine::new(recording, numbers, without);
    let wide = if without == Some(&Limit::Lanes) {
        u32::MAX
    } else {
        numbers.lanes.max(1)
    };
    let mut longest_chain = 0;
    let mut lane_capacity = 0_i64;
    for segment in &recording.segments {
        machine.now += segment.before_micros;
        longest_chain += segment.before_micros;
        let lanes = if segment.per_process { 1 } else { wide };
        let began = machine.now;
        machine.segment(&segment.jobs, lanes);
        let places = usize::try_from(lanes)
            .unwrap_or(usize::MAX)
            .min(segment.jobs.len());
        lane_capacity += (machine.now - began) * i64::try_from(places).unwrap_or(i64::MAX);
        longest_chain += segment.jobs.iter().map(alone).max().unwrap_or(0);
    }
    machine.played(recording, numbers, longest_chain, lane_capacity)
}

/// What a job takes that waits for nobody.
fn alone(job: &Job) -> i64 {
    let track = |acts: &Vec<Act>| -> i64 {
        acts.iter()
            .map(|act| act.before_micros + act.busy_micros)
            .sum()
    };
    let phases = job.phases.iter();
    let phases = phases.map(|tracks| tracks.iter().map(track).max().unwrap_or(0));
    phases.sum::<i64>() + job.after_micros
}

impl<'a> Machine<'a> {
    fn new(recording: &Recording, numbers: &Numbers, without: Option<&Limit>) -> Self {
        let mut servers = Vec::new();
        let mut by_limit = HashMap::new();
        let mut add = |limit: Limit, places: u32, pace: Option<Pace>| {
            if without == Some(&limit) {
                return;
            }
            by_limit.insert(limit.clone(), servers.len());
            servers.push(Server {
                limit,
                places,
                free: places,
                queue: VecDeque::new(),
                pace,
                busy_micros: 0,
                waited_micros: 0,
            });
        };
        for (name, slots) in &numbers.slots {
            add(Limit::Slots(name.clone()), (*slots).max(1), None);
        }
        for (name, rate) in &recording.rates {
            add(Limit::Rate(name.clone()), 1, Some(Pace::of(rate)));
        }
        for (name, connections) in &numbers.pools {
            add(Limit::Pool(name.clone()), (*connections).max(1), None);
        }
        Self {
            now: 0,
            order: 0,
            events: BinaryHeap::new(),
            servers,
            by_limit,
            jobs: Vec::new(),
            tracks: Vec::new(),
            lanes_free: 0,
            lane_queue: VecDeque::new(),
            lane_busy: 0,
            lane_since: HashMap::new(),
            causes: BTreeMap::new(),
        }
    }

    fn charge(&mut self, cause: CauseKind, micros: i64) {
        if micros > 0 {
            *self.causes.entry(cause).or_default() += micros;
        }
    }

    fn at(&mut self, time: i64, event: Event) {
        self.order += 1;
        self.events.push(Reverse((time, self.order, event)));
    }

    /// Plays a segment to its end.
    fn segment(&mut self, jobs: &'a [Job], lanes: u32) {
        self.jobs.clear();
        self.tracks.clear();
        self.lane_queue.clear();
        self.lanes_free = lanes;
        for (at, job) in jobs.iter().enumerate() {
            self.jobs.push(Running {
                job,
                phase: 0,
                open: 0,
                since: self.now,
                parked: None,
            });
            self.lane_queue.push_back(at);
        }
        self.give_lanes();
        while let Some(Reverse((time, _, event))) = self.events.pop() {
            self.now = time;
            match event {
                Event::Ready(track) => self.pass(track),
                Event::Passed(track) => {
                    self.tracks[track].passed += 1;
                    self.pass(track);
                }
                Event::Done(track) => self.done(track),
                Event::Over(job) => {
                    self.leave_lane(job);
                    self.give_lanes();
                }
            }
        }
    }

    fn give_lanes(&mut self) {
        while self.lanes_free > 0 {
            let Some(job) = self.lane_queue.pop_front() else {
                return;
            };
            self.lanes_free -= 1;
            self.charge(CauseKind::Queued, self.now - self.jobs[job].since);
            self.lane_since.insert(job, self.now);
            match self.jobs[job].parked.take() {
                Some(track) => self.after_act(track),
                None => self.phase(job),
            }
        }
    }

    fn leave_lane(&mut self, job: usize) {
        if let Some(since) = self.lane_since.remove(&job) {
            self.lane_busy += self.now - since;
            self.lanes_free += 1;
        }
    }

    /// Begins the next phase that has anything to do, or ends the job.
    fn phase(&mut self, job: usize) {
        let of: &'a Job = self.jobs[job].job;
        while let Some(tracks) = of.phases.get(self.jobs[job].phase) {
            let tracks = tracks.iter().filter(|acts| !acts.is_empty());
            let mut begun = 0;
            for acts in tracks {
                begun += 1;
                self.tracks.push(Track {
                    job,
                    acts,
                    at: 0,
                    passed: 0,
                    needs: Vec::new(),
                    held: Vec::new(),
                });
                self.begin_act(self.tracks.len() - 1);
            }
            if begun > 0 {
                self.jobs[job].open = begun;
                return;
            }
            self.jobs[job].phase += 1;
        }
        self.charge(CauseKind::Running, of.after_micros);
        self.at(self.now + of.after_micros, Event::Over(job));
    }

    fn begin_act(&mut self, track: usize) {
        let act: &'a Act = &self.tracks[track].acts[self.tracks[track].at];
        let slots = act.resources.iter().cloned().map(Limit::Slots);
        let rates = act.resources.iter().cloned().map(Limit::Rate);
        let pool = act.target.iter().cloned().map(Limit::Pool);
        let needs = rates.chain(slots).chain(pool);
        let needs = needs.filter_map(|limit| self.by_limit.get(&limit).copied());
        self.tracks[track].needs = needs.collect();
        self.tracks[track].passed = 0;
        self.charge(CauseKind::Running, act.before_micros);
        self.at(self.now + act.before_micros, Event::Ready(track));
    }

    /// Passes one limit after the other, as far as it goes without waiting; then the act runs.
    fn pass(&mut self, track: usize) {
        while let Some(server) = self.tracks[track]
            .needs
            .get(self.tracks[track].passed)
            .copied()
        {
            let now = self.now;
            let one = &mut self.servers[server];
            if let Some(pace) = &mut one.pace {
                let begins = pace.next(now);
                one.busy_micros += pace.each_micros;
                if begins > now {
                    one.waited_micros += begins - now;
                    self.charge(CauseKind::Rate, begins - now);
                    self.at(begins, Event::Passed(track));
                    return;
                }
            } else if one.free > 0 {
                one.free -= 1;
                self.tracks[track].held.push(server);
            } else {
                one.queue.push_back((track, now));
                return;
            }
            self.tracks[track].passed += 1;
        }
        let act: &'a Act = &self.tracks[track].acts[self.tracks[track].at];
        if act.parks {
            self.charge(CauseKind::Timer, act.busy_micros);
            self.leave_lane(self.tracks[track].job);
            self.give_lanes();
        } else {
            self.charge(CauseKind::Running, act.busy_micros);
        }
        self.at(self.now + act.busy_micros, Event::Done(track));
    }

    fn done(&mut self, track: usize) {
        let busy = self.tracks[track].acts[self.tracks[track].at].busy_micros;
        let held = std::mem::take(&mut self.tracks[track].held);
        for server in held {
            self.servers[server].busy_micros += busy;
            self.give_place(server);
        }
        let job = self.tracks[track].job;
        if self.tracks[track].acts[self.tracks[track].at].parks {
            self.jobs[job].since = self.now;
            self.jobs[job].parked = Some(track);
            self.lane_queue.push_back(job);
            self.give_lanes();
        } else {
            self.after_act(track);
        }
    }

    /// Goes on with the track's next act, or with the job's next phase.
    fn after_act(&mut self, track: usize) {
        self.tracks[track].at += 1;
        if self.tracks[track].at < self.tracks[track].acts.len() {
            self.begin_act(track);
            return;
        }
        let job = self.tracks[track].job;
        self.jobs[job].open -= 1;
        if self.jobs[job].open == 0 {
            self.jobs[job].phase += 1;
            self.phase(job);
        }
    }

    /// A place is free: whoever waited longest has it.
    fn give_place(&mut self, server: usize) {
        let one = &mut self.servers[server];
        let Some((track, since)) = one.queue.pop_front() else {
            one.free += 1;
            return;
        };
        let waited = self.now - since;
        one.waited_micros += waited;
        let cause = match one.limit {
            Limit::Pool(_) => CauseKind::Pool,
            _ => CauseKind::Slot,
        };
        self.charge(cause, waited);
        self.tracks[track].held.push(server);
        self.tracks[track].passed += 1;
        self.pass(track);
    }

    fn played(
        self,
        recording: &Recording,
        numbers: &Numbers,
        longest_micros: i64,
        lane_capacity: i64,
    ) -> Played {
        let micros = self.now + recording.around_micros;
        let share = |part: i64, whole: i64| -> u64 {
            let permille = i128::from(part) * 1_000 / i128::from(whole.max(1));
            u64::try_from(permille).unwrap_or(0).min(1_000)
        };
        let mut busy: Vec<Busy> = self
            .servers
            .iter()
            .filter(|server| server.busy_micros > 0)
            .map(|server| Busy {
                limit: server.limit.clone(),
                permille: share(server.busy_micros, self.now * i64::from(server.places)),
                waited_micros: server.waited_micros,
                at_least_micros: server.busy_micros / i64::from(server.places),
            })
            .collect();
        let queued = self.causes.get(&CauseKind::Queued).copied().unwrap_or(0);
        busy.push(Busy {
            limit: Limit::Lanes,
            permille: share(self.lane_busy, lane_capacity),
            waited_micros: queued,
            at_least_micros: self.lane_busy / i64::from(numbers.lanes.max(1)),
        });
        busy.sort_by(|one, other| {
            (
                Reverse(one.permille),
                Reverse(one.waited_micros),
                &one.limit,
            )
                .cmp(&(
                    Reverse(other.permille),
                    Reverse(other.waited_micros),
                    &other.limit,
                ))
        });
        Played {
            micros,
            causes: self.causes,
            busy,
            longest_micros,
        }
    }
}
