"""The register of rules: article, duty, where it is done, and the tests and records that show it.

The Measures are those in force since 2025-07-15. Only the articles in `READ` were read word for word in
the final text; the others are cited by their numbers in the draft for comment of 2024-07-26.
"""

from dataclasses import dataclass
from enum import StrEnum

from netid.identity.text import Text


class Law(StrEnum):
    """Which law an article is of."""

    MEASURES = "Measures"
    PIPL = "PIPL"


READ = frozenset({"2", "4", "5", "7"})
"""The articles of the Measures that were read in the final text."""


@dataclass(frozen=True)
class Duty:
    """One duty, and what there is to show for it."""

    id: str
    law: Law
    articles: tuple[str, ...]
    duty: Text
    done: tuple[str, ...]
    """Where, as `module:name`."""
    tests: tuple[str, ...]
    """What shows it, as `file::name` below tests/."""
    violations: tuple[str, ...] = ()
    """The rules and errors that answer a breach, as `module:name`; their names or codes are its code."""
    records: tuple[str, ...] = ()
    """The kinds of audit events that bear it out."""
    missing: str = ""
    """What is not there yet."""

    @property
    def cited(self) -> tuple[str, ...]:
        """The articles as a report cites them; without a number, the law alone."""
        if not self.articles:
            return (f"{self.law}, final text, number not read",)
        drafted = " (number of the 2024 draft)"
        final = READ if self.law is Law.MEASURES else frozenset(self.articles)
        return tuple(f"{self.law} {one}{'' if one in final else drafted}" for one in self.articles)


_ATTACKS = "protocol/test_attacks_on_sign_in.py"
_DEMO = "protocol/test_platform_demo.py"
_ENROLMENT = "unit/test_enrolment.py"
_OPERATOR = "cli/test_operator.py"
_POLICY = "unit/test_policy.py"

REGISTER: tuple[Duty, ...] = (
    Duty(
        "net-number",
        Law.MEASURES,
        ("2",),
        Text(
            zh="网号由字母和数字组成，不含明文；网证只含非明文身份信息",
            en="The net number is letters and digits and says nothing; the net credential holds digests",
        ),
        ("netid.identity.net_number:NetNumber", "netid.credentials.net_credential"),
        (
            "unit/test_net_number.py::test_it_depends_on_random_bytes_and_on_nothing_else",
            "unit/test_net_credential.py::"
            "test_nothing_stands_in_the_clear_but_issuer_type_days_key_and_that_it_is_a_mock",
            "privacy/test_stolen_database.py::test_s8_no_document_number_can_be_confirmed_by_hashing_it",
        ),
        records=("enrolled", "number_shown"),
    ),
    Duty(
        "documents",
        Law.MEASURES,
        ("4", "15"),
        Text(zh="持有效法定身份证件可以申领；共八种", en="Who holds one of eight valid documents may apply"),
        ("netid.identity.documents:DOCUMENT_KINDS",),
        (
            "unit/test_documents.py::test_the_registry_holds_the_eight_kinds_in_the_order_of_the_measures",
            "unit/test_documents.py::test_a_malformed_number_is_refused",
            f"{_ENROLMENT}::test_a_document_counts_on_its_last_day_in_china_and_not_after",
        ),
        ("netid.errors:InvalidField", "netid.errors:AlreadyEnrolled"),
        ("enrolled",),
    ),
    Duty(
        "guardian-applies",
        Law.MEASURES,
        ("4",),
        Text(
            zh="不满十四周岁由监护人代为申领，满十四不满十八周岁在监护人监护下申领",
            en="Under 14 the guardian applies; from 14 to under 18 under the guardian’s supervision",
        ),
        ("netid.services.applying:Applying", "netid.identity.ages:capacity_on"),
        (
            f"{_ENROLMENT}::test_without_a_guardian_no_minor_enrols",
            f"{_ENROLMENT}::test_the_borders_of_14_and_18_are_exact_to_the_day",
        ),
        ("netid.errors:GuardianRequired",),
        ("notice_accepted",),
    ),
    Duty(
        "guardian-consents",
        Law.MEASURES,
        ("5",),
        Text(zh="不满十四周岁使用也须监护人同意", en="Under 14, each use needs the guardian’s consent too"),
        ("netid.identity.policy:GuardianConsentRequired", "netid.services.guardianship:Guardianship"),
        (
            "privacy/test_one_door.py::test_measures_5_a_guardians_consent_at_one_relying_party_fails_at_another",
            f"{_ATTACKS}::test_the_day_before_the_14th_birthday_a_guardian_does",
            f"{_ATTACKS}::test_a_guardians_word_ends_on_the_14th_birthday",
        ),
        ("netid.identity.policy:GuardianConsentRequired", "netid.errors:GuardianRequired"),
        ("consent_agreed",),
    ),
    Duty(
        "voluntary",
        Law.MEASURES,
        ("4", "6", "7"),
        Text(zh="自愿使用，保留其他合法方式", en="Use is voluntary; other lawful ways are kept"),
        ("platform_demo.scene_views",),
        (
            f"{_DEMO}::test_who_declines_lands_where_the_other_way_works",
            f"{_DEMO}::test_a_provider_that_is_down_leaves_the_other_way",
            "protocol/test_enrolment_pages.py::test_refusing_lands_on_a_way_that_works_and_keeps_nothing",
        ),
        records=("consent_refused", "left"),
    ),
    Duty(
        "equal-service",
        Law.MEASURES,
        ("7",),
        Text(zh="不使用的人得到同等服务", en="Equal service for who does not use it"),
        ("platform_demo.scenes",),
        (f"{_DEMO}::test_both_ways_end_with_the_same_features",),
    ),
    Duty(
        "nothing-more",
        Law.MEASURES,
        ("7",),
        Text(
            zh="核验通过后不再要求提供明文身份信息，法律另有规定或本人同意的除外",
            en="After a pass no plaintext is asked for, unless a law says so or the person agrees",
        ),
        ("netid.client.fields:verify_userinfo",),
        (
            "unit/client/test_client_fields.py::test_a_field_that_was_not_asked_for_is_refused",
            "privacy/test_demo_platform.py::"
            "test_s1_without_a_legal_basis_nothing_of_the_document_reaches_the_platform",
        ),
        missing="A contract case that finds relying parties which ask again in a form of their own.",
    ),
    Duty(
        "result-only",
        Law.MEASURES,
        ("8",),
        Text(zh="没有法定需要，只提供核验结果", en="Without a legal need, the check result and nothing else"),
        ("netid.oauth.verified_claims", "netid.identity.policy:PurposeRegistered"),
        (
            "privacy/test_closed_schema.py::test_s2_the_names_that_arrive_are_exactly_these",
            "privacy/test_closed_schema.py::test_s2_whatever_is_asked_for_nothing_unregistered_arrives",
            "protocol/test_ida_check_result.py::"
            "test_the_scope_gives_the_check_result_and_its_claims_are_empty",
        ),
        ("netid.identity.policy:PurposeRegistered", "netid.errors:InvalidScope"),
        ("code_redeemed",),
    ),
    Duty(
        "minimum-fields",
        Law.MEASURES,
        ("8",),
        Text(
            zh="有法定需要并经单独同意，才提供必要的最少信息",
            en="A legal need and a separate consent: then the fewest fields",
        ),
        ("netid.disclosure:Disclosure.release", "netid.identity.policy:LegalBasisRequired"),
        (
            f"{_POLICY}::test_measures_8_the_whole_truth_table",
            "unit/test_disclosure.py::test_measures_8_what_leaves_is_the_intersection_of_all_three",
            "privacy/test_release_machine.py::test_s12_released_is_within_registered_requested_and_consented",
        ),
        (
            "netid.identity.policy:LegalBasisRequired",
            "netid.identity.policy:SeparateConsentRequired",
            "netid.errors:ReleaseRefused",
            "netid.errors:RegistrationRefused",
        ),
        ("released", "relying_party_registered"),
    ),
    Duty(
        "recipient-and-purpose",
        Law.MEASURES,
        ("8",),
        Text(
            zh="未经单独同意，不得另作处理或向他人提供",
            en="No other processing or recipient without separate consent",
        ),
        ("netid.identity.policy:SeparateConsentRequired", "netid.identity.consent:Receipt"),
        (
            "privacy/test_one_door.py::test_measures_8_a_consent_is_good_for_its_recipient_and_its_purpose_alone",
            f"{_POLICY}::test_measures_8_9_each_refusal_says_which_rule_and_why",
        ),
        ("netid.identity.policy:SeparateConsentRequired",),
        ("consent_agreed",),
    ),
    Duty(
        "within-need",
        Law.MEASURES,
        ("9",),
        Text(
            zh="平台只处理必要信息；敏感信息单独同意",
            en="The provider keeps what it needs; sensitive information by separate consent",
        ),
        ("netid.storage.tables:PURPOSES", "netid.identity.enrolment_notice:Told"),
        (
            "storage/test_tables.py::test_each_column_has_a_purpose_and_each_purpose_a_column",
            "storage/test_tables.py::test_a_new_column_is_noticed",
            f"{_ENROLMENT}::test_the_face_needs_a_consent_of_its_own",
        ),
        ("netid.errors:StepSkipped",),
        ("notice_accepted",),
    ),
    Duty(
        "one-door",
        Law.MEASURES,
        ("9",),
        Text(zh="未经单独同意不得对外提供", en="Nothing is given out without separate consent"),
        ("netid.disclosure:Disclosure.release", "netid.identity.exceptions:EXCEPTIONS"),
        (
            "privacy/test_one_door.py::test_measures_9_the_code_as_it_is_has_no_way_round",
            "privacy/test_one_door.py::"
            "test_measures_9_only_the_door_opens_the_vault_while_people_sign_in_and_read",
        ),
        ("netid.errors:ReleaseRefused",),
        ("released", "given_out_by_law"),
    ),
    Duty(
        "deletion",
        Law.MEASURES,
        ("9",),
        Text(
            zh="依法或应本人要求删除；注销即删除",
            en="Deletion when law or person asks; leaving deletes",
        ),
        ("netid.services.cancellation:Cancellation",),
        (
            "privacy/test_cancellation.py::test_s10_every_file_of_the_instance_is_without_who_left",
            "privacy/test_cancellation.py::"
            "test_s11_an_old_backup_and_every_surviving_key_reveal_nothing_of_who_left",
        ),
        ("netid.errors:FreshSignInRequired",),
        ("cancelled",),
    ),
    Duty(
        "notice",
        Law.MEASURES,
        ("10",),
        Text(zh="处理前显著、清晰、真实地告知", en="Prominent, clear and true notice before processing"),
        ("netid.identity.consent:notice_for", "netid.identity.enrolment_notice"),
        (
            "privacy/test_notice_stops.py::test_measures_10_no_consent_comes_about_without_a_page",
            "unit/test_consent.py::test_measures_10_a_notice_that_lacks_something_stops_the_flow",
            f"{_ENROLMENT}::test_any_missing_item_of_the_notice_stops_the_flow",
        ),
        ("netid.errors:NoticeIncomplete",),
        ("notice_accepted",),
    ),
    Duty(
        "emergency",
        Law.MEASURES,
        ("11",),
        Text(zh="保密或紧急情况事后告知", en="In secrecy and emergencies the notice comes afterwards"),
        ("netid.services.exceptions:Exceptions", "netid.services.notices:Notices"),
        (f"{_OPERATOR}::test_rule_16_an_emergency_leaves_a_task_until_the_person_is_told",),
        records=("given_out_by_law", "notice_given"),
    ),
    Duty(
        "legal-assistance",
        Law.MEASURES,
        (),
        Text(
            zh="依法协助限于网号对应的身份和认证日志",
            en="Legal assistance is limited to the identity behind a number and the log of sign-ins",
        ),
        ("netid.disclosure:Disclosure.release_by_law", "netid.services.exceptions:Exceptions"),
        (
            f"{_OPERATOR}::test_rule_17_legal_assistance_gives_the_identity_and_the_sign_ins_alone",
            f"{_OPERATOR}::test_rule_17_no_other_field_can_be_put_in",
        ),
        ("netid.errors:InvalidField",),
        ("given_out_by_law",),
    ),
    Duty(
        "security",
        Law.MEASURES,
        ("12",),
        Text(zh="安全措施、事件处置、境内存储", en="Security measures, incidents, storage in the country"),
        ("netid.services.incidents:Incidents", "netid.storage.vault:Vault", "netid.settings:Settings.region"),
        (
            f"{_OPERATOR}::test_rule_18_an_exercise_writes_both_notices_and_opens_both_tasks",
            "privacy/test_stolen_database.py::test_s8_a_stolen_database_holds_no_value_and_no_net_number",
            "cli/test_commands.py::test_a_database_stays_in_its_region",
        ),
        ("netid.errors:VaultDamaged",),
        ("incident_declared", "notice_given"),
    ),
    Duty(
        "cryptography",
        Law.MEASURES,
        ("13",),
        Text(zh="按国家密码管理要求使用密码", en="Cryptography as the rules of the state ask"),
        ("netid.credentials.jose",),
        ("unit/test_jose.py::test_other_algorithms_are_refused",),
        ("netid.errors:TokenRefused",),
        missing="The SM suite.",
    ),
    Duty(
        "liability",
        Law.MEASURES,
        ("14",),
        Text(
            zh="违反规定承担责任：每种违反都有代码和条款",
            en="Liability: each breach has its code and article",
        ),
        ("netid.identity.rules:REGISTER", "netid.storage.audit:Audit.verify"),
        (
            "unit/test_rules.py::test_every_violation_code_has_an_article",
            "storage/test_audit.py::test_r6_tampering_shows_and_names_the_first_bad_row",
        ),
        records=("page_refused", "push_refused", "token_refused"),
    ),
    Duty(
        "unchanged-purpose",
        Law.PIPL,
        ("14",),
        Text(zh="目的、方式或信息种类改变，重新取得同意", en="A changed purpose, method or field asks anew"),
        ("netid.identity.policy:PurposeUnchanged",),
        (f"{_POLICY}::test_pipl_14_a_changed_purpose_needs_a_new_consent",),
        ("netid.identity.policy:PurposeUnchanged", "netid.errors:NoticeChanged"),
    ),
    Duty(
        "withdrawal",
        Law.PIPL,
        ("15",),
        Text(zh="随时撤回同意", en="A consent can be withdrawn at any time"),
        ("netid.services.rights:Rights.withdraw",),
        (
            "protocol/test_records_pages.py::test_a_withdrawn_consent_ends_the_token_at_once",
            "protocol/test_rfc8417_events.py::test_a_withdrawn_release_is_told_under_that_partys_own_subject",
        ),
        records=("consent_withdrawn",),
    ),
    Duty(
        "copy",
        Law.PIPL,
        ("45", "48"),
        Text(zh="查阅、复制、转移，并得到解释", en="To see, to have explained, to copy and to transfer"),
        ("netid.services.copying:Copying", "netid.services.rights:Rights"),
        (
            "protocol/test_own_data.py::test_the_copy_has_everything_and_is_what_its_schema_says",
            "protocol/test_own_data.py::test_each_entry_is_explained_in_words",
        ),
        ("netid.errors:FreshSignInRequired",),
        ("copied",),
    ),
    Duty(
        "correction",
        Law.PIPL,
        ("46", "50"),
        Text(zh="更正；拒绝请求说明理由", en="To correct; a refused request has its reason in writing"),
        ("netid.services.correcting:Correcting", "netid.services.complaining:Complaining"),
        (
            "protocol/test_corrections.py::"
            "test_pipl_50_a_refused_correction_has_its_reason_in_writing_and_changes_nothing",
            "protocol/test_own_data.py::test_a_complaint_is_kept_read_by_the_operator_and_answered",
        ),
        ("netid.errors:FreshSignInRequired",),
        ("complained", "complaint_answered"),
    ),
)
"""Every duty, in the order of its articles."""
