"""What the hand-written reads look at: with those that the route makers declare, and those that
refuse some roles altogether and stand beside their route, the authorisation matrix has every read.
"""

from __future__ import annotations

from cloudmgr.domain.access import Actor
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.certificates import Certificate
from cloudmgr.domain.continuity import Replica
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.drills import Drill
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.machine_rooms import MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.policy_drafts import PolicyDraft
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.proposals import Proposal
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.reorganisations import Reorganisation
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.resource_lists import ResourceListLine
from cloudmgr.domain.workorders import WorkOrder
from cloudmgr.services.access_matrix import look
from cloudmgr.services.contracts_progress import seen_cards
from cloudmgr.services.parties_people import known_people
from cloudmgr.services.world import World


def _oneself(world: World, actor: Actor) -> dict[str, tuple[str, ...]]:
    return {"user_id": (actor.user_id,)}


for _operation in ("log_in", "log_in_by_cookie", "get_sign_on", "get_sign_on_callback", "get_node"):
    look(_operation, signed_in=False)
for _operation in ("get_me", "get_unread_notifications"):
    look(_operation, scope=_oneself)

# What is the same for everybody who is signed in.
for _operation in (
    "get_application_template",
    "get_authorisation_matrix",
    "get_budget_template",
    "get_catalog_diff",
    "get_catalog_diff_page",
    "get_catalog_diff_workbook",
    "get_catalog_export",
    "get_machine_room_template",
    "get_network_template",
    "get_notification_topics",
    "get_opening_template",
    "get_organisation_template",
):
    look(_operation)

# About one record, seen as the record is.
look("get_attachment_content", ResourceRequest)
look("get_budget_execution", Budget)
look("get_contract_progress", Contract)
look("get_delivery_template", WorkOrder)
look("get_erasure_certificate", Allocation)
look("get_exit_plan", ResourcePool, Inventory)
look("get_file_content", StoredFile)
look("get_pool_drift", ResourcePool)
look("get_pool_report_template", ResourcePool, Inventory)
look("get_pool_standing", ResourcePool, Inventory)
look("get_proposal_effect", Proposal)
look("get_proposal_effect_page", Proposal)
look("get_proposal_effect_workbook", Proposal)
look("get_quota_headroom", Quota)
look("get_request_estimate", ResourceRequest)
look("get_request_evidence", ResourceRequest)
look("get_request_form", ResourceRequest)
look("get_request_preview", Application)
look("get_request_signers", ResourceRequest)
look("get_resource_form", ResourceRequest)
look("get_resource_list_page", ResourceListLine)
look("get_resource_list_workbook", ResourceListLine)
look("list_policy_changes", PolicyDraft)
look("get_reorganisation_preview", Reorganisation)

# About many records, those that are seen.
look("get_application_export", Application, listing=True)
look("get_certificates_due", Certificate, listing=True)
look("get_continuity_gaps", Replica, listing=True)
look("get_contract_cards", scope=seen_cards, listing=True)
look("get_contract_warnings", Contract, listing=True)
look("get_machine_room_export", MachineRoom, listing=True)
look("get_network_export", PrivateNetwork, listing=True)
look("get_organisation_export", Organisation, listing=True)
look("get_overdue_drills", Drill, listing=True)
look("get_overdue_temporary_allocations", Allocation, listing=True)
look("get_past_term_allocations", Allocation, listing=True)
look("list_not_on_cloud", Application, listing=True)
look("list_person", scope=known_people, listing=True)
look("list_quotes_above_ceiling", Quote, listing=True)
