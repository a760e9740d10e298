//! The conformance suite of state stores: every verb and promise of the contract, as cases that any store must pass.
//!
//! A backend's tests give a way to open the same store again and again and get one test per case:
//!
//! ```ignore
//! fn opener() -> Opener {
//!     let folder = tempfile::tempdir().unwrap();
//!     Opener::new(move || Arc::new(SqliteStore::open(&folder.path().join("s.db"), StoreOptions::default()).unwrap()))
//! }
//! carril_testkit::store_conformance!(crate::opener);
//! ```
//!
//! A new behaviour of the contract is a new case here, never a test in one backend only.

pub mod breakers;
pub mod cancel;
pub mod claims;
pub mod commit;
pub mod forget;
mod harness;
pub mod history;
pub mod import;
pub mod lanes;
pub mod launch;
pub mod pause;
pub mod rails;
pub mod random;
pub mod recovery;
pub mod requests;
pub mod rerun;
pub mod rollback;
pub mod segments;
pub mod waiting;

pub(crate) use harness::closing;
pub use harness::{Harness, Opener, Spec, definition, end_of, entity, step_end};

pub use crate::simulator::differential::the_store_answers_as_the_model_does;

/// Makes one test of each case of the suite. The argument is the path of a function that makes a fresh [`Opener`].
#[macro_export]
macro_rules! store_conformance {
    ($opener:path) => {
        $crate::store_conformance!(@cases $opener,
            launch: [
                a_launch_is_visible_only_when_it_is_whole,
                a_launch_in_chunks_opens_with_the_last,
                an_abandoned_launch_leaves_nothing,
                a_repeated_entity_is_named_and_nothing_is_left,
                a_repeated_entity_in_a_later_chunk_removes_the_launch,
                an_idempotency_key_makes_one_process,
                overlap_skip_names_the_unfinished_one,
                overlap_queue_waits_for_the_newest,
                overlap_allow_runs_beside,
                an_unknown_definition_is_refused,
                ids_never_repeat_and_survive_reopening,
                ids_start_above_what_targets_bear,
                definitions_read_back_as_they_were,
                the_folder_of_a_process_is_told_to_its_next_engine,
                a_launch_of_many_is_quick_enough_to_be_one_transaction,
            ],
            claims: [
                claims_come_in_order_and_are_bounded,
                a_claim_carries_the_entity_and_a_new_token,
                nothing_is_claimed_twice,
                a_claim_rides_with_the_records_that_free_its_lane,
                a_first_claim_is_fresh_and_a_second_is_not,
                a_released_execution_is_claimed_again_without_its_attempt_counted,
            ],
            forget: [
                what_ended_before_a_time_is_told,
                a_process_is_forgotten_in_pieces_and_nothing_else_is,
                a_half_forgotten_process_is_seen_by_nobody,
                what_is_not_over_is_not_forgotten,
            ],
            import: [
                what_is_imported_is_settled_and_adds_up,
                a_second_import_adds_only_what_is_new,
                an_import_is_whole_or_nothing,
                what_is_imported_is_as_old_as_its_import,
                what_was_forgotten_can_be_imported_again,
            ],
            commit: [
                a_step_end_reads_back_whole,
                a_beginning_and_its_end_are_one_attempt,
                an_attempt_under_way_is_there_and_ends,
                only_the_latest_attempt_of_a_step_counts,
                another_token_is_refused,
                another_run_is_refused,
                a_settled_execution_takes_nothing_more,
                one_refused_record_leaves_the_others_alone,
                an_execution_settles_once,
                tallies_move_with_their_records,
                the_process_own_execution_is_not_counted,
                the_account_adds_up,
                a_group_reports_every_process_it_moved,
                an_empty_group_is_no_change,
            ],
            lanes: [
                executions_of_one_key_run_one_after_the_other,
                keys_hold_across_processes_in_order_of_launch,
                a_cancelled_head_gives_its_key_on,
                an_abandoned_launch_gives_its_keys_on,
                keys_that_chunks_of_launches_share_are_held_in_order,
                a_parked_head_lets_its_own_process_pass,
                a_parked_head_keeps_other_processes_behind,
                time_behind_a_key_is_charged_to_it,
                many_settled_heads_leave_no_trace,
            ],
            segments: [
                parked_lanes_wait_for_the_last_one,
                advancing_opens_the_next_segment_once,
                advancing_too_early_is_no_change,
                a_failed_lane_does_not_hold_the_barrier,
                a_process_settles_when_all_has,
                a_process_settles_only_as_its_executions_say,
                a_process_does_not_settle_early,
                who_waits_for_a_process_is_woken_when_it_settles,
                entities_of_a_later_segment_wait_from_the_start,
            ],
            cancel: [
                cancelling_a_process_settles_what_does_not_run,
                a_cancelled_running_execution_says_so_when_claimed_again,
                what_was_decided_before_a_cancel_is_refused_after_it,
                a_process_with_a_cancelled_lane_has_not_succeeded,
                cancelling_twice_is_no_change,
                single_executions_are_cancelled,
                parking_while_cancelled_settles,
                nobody_to_cancel_is_named,
            ],
            breakers: [
                breakers_read_back_as_they_were_left,
                an_older_row_of_a_breaker_does_not_replace_a_newer_one,
                a_breaker_is_durable_with_the_attempt_that_moved_it,
                a_breaker_is_kept_whatever_becomes_of_the_records_beside_it,
                the_priority_of_a_process_is_told_to_its_next_engine,
            ],
            pause: [
                a_paused_process_is_not_claimed_and_is_charged_for_it,
                what_runs_is_handed_back_as_paused,
                a_paused_process_neither_advances_nor_settles_by_itself,
                a_settle_that_comes_after_the_pause_waits_for_the_resume,
                a_paused_process_can_be_cancelled_and_undone,
                pausing_what_does_not_run_is_no_change,
                a_pause_outlives_the_engine,
                what_runs_again_meanwhile_is_paused_too,
            ],
            rerun: [
                who_has_waited_does_not_wait_again,
                a_failed_execution_runs_again,
                carried_steps_come_along,
                a_rerun_of_another_run_is_refused,
                a_rerun_of_a_live_execution_is_refused_and_nothing_is_done,
                reruns_of_later_segments_wait,
                a_running_process_takes_reruns_of_its_segment,
                a_running_process_past_the_segment_refuses,
                a_cancelled_process_runs_again,
                a_new_run_opens_a_new_account,
                a_rerun_stands_behind_a_younger_one_of_its_key,
            ],
            rollback: [
                a_late_writer_is_refused_from_the_first_moment,
                rolling_back_moves_the_tally,
                a_live_execution_is_cancelled_first,
                a_rolled_back_execution_runs_again,
                a_process_that_is_undone_is_rolled_back,
                what_is_rolled_back_is_not_rolled_back_again,
                a_rerun_while_rolling_back_is_refused,
            ],
            recovery: [
                what_a_dead_node_ran_is_pending_again,
                downtime_is_charged_to_recovering,
                attempts_under_way_were_interrupted,
                unfinished_launches_are_removed,
                unfinished_rollbacks_are_told,
                a_former_engine_writes_nothing_more,
                leaving_hands_back,
                unsettled_processes_are_told,
            ],
            rails: [
                a_version_is_counted_over_its_first_hours,
                lanes_at_a_barrier_count_for_their_version,
                lanes_before_their_first_segment_count_for_nothing,
                a_launch_that_is_not_whole_counts_for_no_version,
                a_launch_that_another_overtook_counts_for_its_version,
                other_versions_are_told_newest_first,
                first_hours_that_are_forgotten_do_not_begin_anew,
                what_answers_a_launch_is_told_without_launching,
                a_baseline_is_kept_until_it_is_cleared,
                past_runs_are_told_with_their_time_at_work,
            ],
            requests: [
                a_wish_is_found_and_answered_once,
            ],
            waiting: [
                whoever_is_due_is_woken_and_nobody_else,
                a_signal_wakes_whoever_waits_for_it,
                a_signal_that_comes_first_is_kept_and_taken_once,
                what_came_on_the_way_to_parking_is_not_missed,
                an_answer_wants_a_step_that_asks,
                signals_are_bounded_and_come_once_per_key,
                a_wait_that_is_over_has_no_time_left,
                who_waits_keeps_its_lane_key,
                who_is_cancelled_while_it_waits_is_never_woken,
                waits_outlive_the_engine,
                a_paused_process_is_woken_into_its_pause,
            ],
            random: [
                random_histories_keep_every_promise,
            ],
        );
    };
    (@cases $opener:path, $($module:ident: [$($case:ident,)*],)*) => {
        #[test]
        fn the_store_answers_as_the_model_does() {
            $crate::store::the_store_answers_as_the_model_does(|| $crate::store::Harness::open($opener()));
        }

        $(mod $module {
            $(#[test]
            fn $case() {
                $crate::store::$module::$case(&mut $crate::store::Harness::open($opener()));
            })*
        })*
    };
}

/// Makes one test of each case about what people read. The argument is the path of a function that makes a fresh
/// [`history::House`].
#[macro_export]
macro_rules! history_conformance {
    ($house:path) => {
        $crate::history_conformance!(@cases $house, [
            an_execution_is_told_as_it_is,
            lists_are_bounded_filtered_and_go_on,
            a_launch_that_is_not_whole_is_not_told,
            attempts_of_every_run_are_told_with_what_they_said,
            steps_are_told_where_they_are,
            the_timeline_has_a_line_for_each_entity_and_stage,
            overlaps_and_bottlenecks_are_about_resources,
            waits_and_causes_are_summed_over_a_process,
            a_wait_for_a_lock_is_kept_while_it_lasts,
            a_number_of_lanes_is_changed_from_the_one_that_was_seen,
            changes_of_lanes_are_told,
            changes_of_lanes_are_forgotten_with_their_process,
            waits_for_locks_are_told_and_summed_by_table_and_holder,
            failed_attempts_are_counted_once_over_all_runs,
            a_wish_is_left_found_answered_and_taken_back,
            rollbacks_and_reruns_leave_their_history,
            the_time_between_an_end_and_a_retry_is_nobodys_work,
            nobody_ends_before_the_last_that_is_known_of_them,
            states_have_the_names_that_the_model_gives_them,
            times_are_texts_in_utc_and_numbers,
            the_trace_has_every_event,
            the_reference_has_every_column_and_no_other,
            a_stage_stands_as_its_last_attempts_say,
            a_process_is_at_its_earliest_stage,
            states_have_the_words_of_old,
            a_launch_that_is_not_whole_has_no_old_names,
            the_old_names_are_those_of_their_page,
            imports_are_told_with_where_they_came_from,
            a_token_is_found_by_its_hash,
            a_name_is_free_again_when_its_token_is_revoked,
            deeds_are_told_newest_first_with_how_they_ended,
            old_deeds_are_forgotten,
        ]);
    };
    (@cases $house:path, [$($case:ident,)*]) => {
        $(#[test]
        fn $case() {
            $crate::store::history::$case(&mut $house());
        })*
    };
}
