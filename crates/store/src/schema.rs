// @generated from the migrations: the test `schema` prints it where it differs.

diesel::table! {
    answers (message_id) {
        message_id -> Uuid,
        booking_key -> Text,
        by_whom -> Text,
        written_at -> Timestamptz,
        sealed_answer -> Bytea,
    }
}

diesel::table! {
    audit (id) {
        id -> Int8,
        at -> Timestamptz,
        actor -> Text,
        action -> Text,
        resort -> Nullable<Text>,
        booking -> Nullable<Text>,
        letter -> Nullable<Int8>,
        phone_hash -> Nullable<Bytea>,
        details -> Text,
        note_key -> Nullable<Text>,
    }
}

diesel::table! {
    bookings (key) {
        key -> Text,
        resort -> Text,
        id -> Text,
        status -> Text,
        sealed_facts -> Bytea,
        version -> Int8,
        phone_hash -> Nullable<Bytea>,
        stands -> Bool,
        check_in -> Nullable<Date>,
        check_out -> Nullable<Date>,
        became_key -> Nullable<Text>,
        wake_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        tells_of_guest -> Bool,
        without_resort -> Bool,
        confirmed_at -> Nullable<Timestamptz>,
        traceparent -> Nullable<Text>,
    }
}

diesel::table! {
    conversations (phone_hash, number) {
        number -> Text,
        phone_hash -> Bytea,
        open_until -> Timestamptz,
    }
}

diesel::table! {
    erased_bookings (key) {
        key -> Text,
        erased_at -> Timestamptz,
    }
}

diesel::table! {
    erased_guests (phone_hash, place) {
        phone_hash -> Bytea,
        place -> Text,
        erased_at -> Timestamptz,
    }
}

diesel::table! {
    events (key) {
        key -> Text,
        source -> Text,
        event_type -> Text,
        booking_key -> Nullable<Text>,
        received_at -> Timestamptz,
        applied_at -> Timestamptz,
        request_id -> Text,
        outcome -> Text,
        sealed_body -> Nullable<Bytea>,
        phone_hash -> Nullable<Bytea>,
        message_id -> Nullable<Uuid>,
        name_hashes -> Nullable<Array<Nullable<Bytea>>>,
        traceparent -> Nullable<Text>,
    }
}

diesel::table! {
    fetch_turns (source) {
        source -> Text,
        next_at -> Timestamptz,
    }
}

diesel::table! {
    fetches (key) {
        key -> Text,
        source -> Text,
        due_at -> Timestamptz,
        attempts -> Int4,
        failures -> Int4,
        refusals -> Int4,
        first_failed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    guest_names (name_hash, phone_hash) {
        name_hash -> Bytea,
        phone_hash -> Bytea,
        kind -> Text,
        learnt_at -> Timestamptz,
    }
}

diesel::table! {
    guests (phone_hash, resort) {
        resort -> Text,
        phone_hash -> Bytea,
        opted_out_at -> Nullable<Timestamptz>,
        opted_in_at -> Nullable<Timestamptz>,
        replied_at -> Nullable<Timestamptz>,
        resumed_at -> Nullable<Timestamptz>,
        waits_since -> Nullable<Timestamptz>,
        answered_up_to -> Nullable<Timestamptz>,
        answer_id -> Nullable<Uuid>,
        closed_up_to -> Nullable<Timestamptz>,
        snoozed_up_to -> Nullable<Timestamptz>,
        snoozed_until -> Nullable<Timestamptz>,
        assignee -> Nullable<Text>,
        opt_out_known_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    holds (key) {
        key -> Text,
        scope -> Text,
        resort -> Nullable<Text>,
        number -> Nullable<Text>,
        country -> Nullable<Int4>,
        template -> Nullable<Text>,
        kind -> Nullable<Text>,
        reason -> Text,
        by_whom -> Nullable<Text>,
        since -> Timestamptz,
        until -> Nullable<Timestamptz>,
        pause_ms -> Nullable<Int8>,
        probed_at -> Nullable<Timestamptz>,
        note_key -> Nullable<Text>,
        by_status -> Bool,
        probe_id -> Nullable<Uuid>,
        probe_taken_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    letter_jobs (id) {
        id -> Int8,
        action -> Text,
        assignee -> Nullable<Text>,
        filter -> Text,
        member -> Text,
        role -> Text,
        resorts -> Nullable<Array<Nullable<Text>>>,
        note_key -> Nullable<Text>,
        last_letter -> Int8,
        total -> Int8,
        state -> Text,
        failure -> Nullable<Text>,
        position -> Int8,
        postponed -> Array<Nullable<Int8>>,
        counts -> Jsonb,
        made_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        lease -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    letter_views (letter, member) {
        letter -> Int8,
        member -> Text,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    letters (id) {
        id -> Int8,
        kind -> Text,
        amqp_id -> Text,
        reason -> Text,
        error -> Text,
        attempts -> Int4,
        died_at -> Timestamptz,
        dated -> Bool,
        subject -> Text,
        resort -> Nullable<Text>,
        booking -> Nullable<Text>,
        message_id -> Nullable<Uuid>,
        body -> Nullable<Bytea>,
        state -> Text,
        settled_as -> Nullable<Text>,
        closed_by -> Nullable<Text>,
        closed_at -> Nullable<Timestamptz>,
        note -> Nullable<Text>,
        drained_at -> Timestamptz,
        note_key -> Nullable<Text>,
        digest -> Nullable<Bytea>,
        phone_hash -> Nullable<Bytea>,
        received_at -> Nullable<Timestamptz>,
        name_hashes -> Nullable<Array<Nullable<Bytea>>>,
        assigned_to -> Nullable<Text>,
        assigned_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messages (id) {
        id -> Uuid,
        booking_key -> Text,
        kind -> Text,
        round -> Int4,
        basis_at -> Timestamptz,
        state -> Text,
        reason -> Nullable<Text>,
        due_at -> Timestamptz,
        expires_at -> Timestamptz,
        publish_at -> Nullable<Timestamptz>,
        publishes -> Int4,
        attempts -> Int4,
        retries -> Int4,
        turn -> Text,
        withdrawn_reason -> Nullable<Text>,
        claimed_at -> Nullable<Timestamptz>,
        claim_token -> Nullable<Uuid>,
        whatsapp_hash -> Nullable<Bytea>,
        sent_at -> Nullable<Timestamptz>,
        delivery -> Nullable<Text>,
        delivery_at -> Nullable<Timestamptz>,
        template -> Nullable<Text>,
        error_code -> Nullable<Int8>,
        letter_due -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        died_at -> Nullable<Timestamptz>,
        held_by -> Nullable<Text>,
        called_from -> Nullable<Text>,
        paced -> Bool,
        silent_attempt -> Nullable<Int4>,
        called_to -> Nullable<Bytea>,
        called_template -> Nullable<Text>,
        called_country -> Nullable<Int4>,
        failed_attempt -> Nullable<Int4>,
        rested -> Bool,
        text_refused -> Bool,
        pricing_category -> Nullable<Text>,
        pricing_type -> Nullable<Text>,
        billable -> Nullable<Bool>,
        traceparent -> Nullable<Text>,
        called_as_reminder -> Nullable<Bool>,
        called_as_marketing -> Nullable<Bool>,
        called_quiet_from -> Nullable<Time>,
        called_quiet_to -> Nullable<Time>,
        called_day_cap -> Nullable<Int4>,
        called_hold_out -> Nullable<Int4>,
    }
}

diesel::table! {
    moments (resort, name, definition) {
        resort -> Text,
        name -> Text,
        definition -> Text,
        since -> Timestamptz,
        removed_at -> Nullable<Timestamptz>,
        planned_to -> Text,
        planned_at -> Timestamptz,
        is_planned -> Bool,
    }
}

diesel::table! {
    notes (key) {
        key -> Text,
        sealed_note -> Bytea,
    }
}

diesel::table! {
    number_wishes (hash, number) {
        hash -> Bytea,
        number -> Text,
        opted_out_at -> Nullable<Timestamptz>,
        opted_in_at -> Nullable<Timestamptz>,
        opt_out_known_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    overview (id) {
        id -> Int2,
        figures -> Jsonb,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    raised_alerts (alert, subject) {
        alert -> Text,
        subject -> Text,
        content -> Jsonb,
        recorded_at -> Timestamptz,
        is_told -> Bool,
    }
}

diesel::table! {
    reminded (phone_hash, number) {
        phone_hash -> Bytea,
        number -> Text,
        messages -> Array<Nullable<Uuid>>,
        reminded_at -> Timestamptz,
    }
}

diesel::table! {
    report_months (resort, month) {
        resort -> Text,
        month -> Date,
        figures -> Jsonb,
        frozen_at -> Timestamptz,
    }
}

diesel::table! {
    report_present (resort, month) {
        resort -> Text,
        month -> Date,
        figures -> Jsonb,
        counted_at -> Timestamptz,
    }
}

diesel::table! {
    senders (id) {
        id -> Uuid,
        seen_at -> Timestamptz,
        name -> Nullable<Text>,
        unreachable_since -> Nullable<Timestamptz>,
        unreachable_reason -> Nullable<Text>,
        knows -> Nullable<Array<Nullable<Uuid>>>,
    }
}

diesel::table! {
    source_reports (id) {
        id -> Text,
        source -> Text,
        reported_at -> Timestamptz,
        report -> Text,
    }
}

diesel::table! {
    staff (name) {
        name -> Text,
        token_hash -> Bytea,
        added_at -> Timestamptz,
        removed_at -> Nullable<Timestamptz>,
        role -> Text,
        resorts -> Nullable<Array<Nullable<Text>>>,
    }
}

diesel::table! {
    staff_links (link_hash) {
        link_hash -> Bytea,
        member -> Text,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    staff_sessions (cookie_hash) {
        cookie_hash -> Bytea,
        id -> Uuid,
        member -> Text,
        browser -> Text,
        began_at -> Timestamptz,
        seen_at -> Timestamptz,
    }
}

diesel::table! {
    suspects (key) {
        key -> Text,
        begun -> Int4,
        begun_at -> Timestamptz,
        attempts -> Array<Nullable<Uuid>>,
    }
}

diesel::table! {
    template_categories (template, account) {
        template -> Text,
        account -> Text,
        category -> Text,
        since -> Timestamptz,
    }
}

diesel::table! {
    unprepared (message_id) {
        message_id -> Uuid,
        resort -> Text,
        lacks -> Text,
    }
}

diesel::table! {
    webhook_subscriptions (resort, event) {
        resort -> Text,
        event -> Text,
    }
}

diesel::table! {
    webhooks_out (id) {
        id -> Uuid,
        resort -> Text,
        event -> Text,
        booking_key -> Nullable<Text>,
        phone_hash -> Nullable<Bytea>,
        details -> Jsonb,
        occurred_at -> Timestamptz,
        made_at -> Timestamptz,
        due_at -> Timestamptz,
        attempts -> Int4,
        failures -> Int4,
        last_error -> Nullable<Text>,
    }
}

diesel::joinable!(answers -> messages (message_id));
diesel::joinable!(letter_jobs -> staff (member));
diesel::joinable!(letter_views -> letters (letter));
diesel::joinable!(letter_views -> staff (member));
diesel::joinable!(letters -> staff (assigned_to));
diesel::joinable!(messages -> bookings (booking_key));
diesel::joinable!(staff_links -> staff (member));
diesel::joinable!(staff_sessions -> staff (member));
diesel::joinable!(unprepared -> messages (message_id));

diesel::allow_tables_to_appear_in_same_query!(
    answers,
    audit,
    bookings,
    conversations,
    erased_bookings,
    erased_guests,
    events,
    fetch_turns,
    fetches,
    guest_names,
    guests,
    holds,
    letter_jobs,
    letter_views,
    letters,
    messages,
    moments,
    notes,
    number_wishes,
    overview,
    raised_alerts,
    reminded,
    report_months,
    report_present,
    senders,
    source_reports,
    staff,
    staff_links,
    staff_sessions,
    suspects,
    template_categories,
    unprepared,
    webhook_subscriptions,
    webhooks_out,
);
