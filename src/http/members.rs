//! Members on the wire (contract 6.7–6.9).

use super::{
    admission::{LoopsRead, LoopsWrite, With},
    bodies::Body,
    error::{ApiError, OrFailed},
    extract::PathId,
    reply::{Envelope, Reply},
    schemas::InvitationBody,
    views::{MemberCounts, MemberDetails, join_url},
};
use crate::{
    app::App,
    domain::{Account, Loop, Member, MemberRole, Timestamp, decimal},
    service::members,
};
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A loop's members.
#[derive(Serialize, ToSchema)]
pub struct Members {
    /// The loop.
    loop_id: String,
    /// The creator first, then in the order of joining, invitations last.
    members: Vec<MemberDetails>,
    /// How many.
    #[serde(flatten)]
    counts: MemberCounts,
    /// Joined and invited.
    #[schema(example = 4)]
    total_count: usize,
    /// When they joined.
    statistics: JoinStatistics,
}

/// When members joined.
#[derive(Serialize, ToSchema)]
pub struct JoinStatistics {
    /// Days from invitation to joining, on average, the creator left out.
    #[schema(value_type = f64, example = 0.5)]
    avg_join_time_days: Value,
    /// The latest.
    newest_member_joined: Option<String>,
    /// The first.
    oldest_member_joined: Option<String>,
}

impl JoinStatistics {
    fn of(members: &[Member]) -> Self {
        let joined = || members.iter().filter_map(|member| member.joined_at);
        let waits: Vec<f64> = members
            .iter()
            .filter(|member| member.role == MemberRole::Member)
            .filter_map(|member| member.joined_at.map(|at| at.seconds_since(member.invited_at) / 86_400.0))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a count of people")]
        let average = if waits.is_empty() { 0.0 } else { waits.iter().sum::<f64>() / waits.len() as f64 };
        let text = |at: Timestamp| at.to_string();
        Self {
            avg_join_time_days: decimal::json(average),
            newest_member_joined: joined().max().map(text),
            oldest_member_joined: joined().min().map(text),
        }
    }
}

/// Somebody who was invited.
#[derive(Serialize, ToSchema)]
pub struct Invited {
    /// The loop.
    loop_id: String,
    /// Who.
    member: MemberDetails,
    /// What they join with.
    #[schema(example = "ABC123DEF")]
    invite_code: String,
    /// Where they join.
    join_url: String,
}

/// Somebody who was removed.
#[derive(Serialize, ToSchema)]
pub struct RemovedMember {
    /// The loop.
    loop_id: String,
    /// Who.
    user_id: String,
    /// When.
    removed_at: String,
}

/// Lists a loop's members
#[utoipa::path(get, path = "/v1/api/loops/{loop_id}/members", tag = "Members", params(("loop_id" = String, Path)),
    responses((status = 200, description = "Loop members retrieved successfully", body = Envelope<Members>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:read"))))]
pub async fn list(
    caller: With<LoopsRead>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
) -> Result<Reply<Members>, ApiError> {
    let found = members::list(&app, &caller.caller, id).await.or_failed("Failed to retrieve loop")?;
    Ok(Reply::ok(
        "Loop members retrieved successfully",
        Members {
            loop_id: id.to_string(),
            members: found.iter().map(MemberDetails::from).collect(),
            counts: MemberCounts::of(&found),
            total_count: found.len(),
            statistics: JoinStatistics::of(&found),
        },
    ))
}

/// Invites somebody by e-mail
///
/// The person is a pending member until they join with the code or the link. The invitation stands for 7 days. A server that
/// sends mail sends them the link.
#[utoipa::path(post, path = "/v1/api/loops/{loop_id}/members", tag = "Members", params(("loop_id" = String, Path)), request_body = InvitationBody,
    responses((status = 201, description = "Member invited successfully", body = Envelope<Invited>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:write"))))]
pub async fn invite(
    caller: With<LoopsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
    Body(sent): Body,
) -> Result<Reply<Invited>, ApiError> {
    let invited = members::invite(&app, &caller.caller, id, sent).await.or_failed("Failed to update loop")?;
    let members::Invited { it, member, .. } = invited;
    let data = Invited {
        loop_id: id.to_string(),
        member: (&member).into(),
        invite_code: it.invite_code.clone(),
        join_url: join_url(&it, &app.base_url),
    };
    Ok(Reply::created("Member invited successfully", data))
}

/// Removes a member, or takes back an invitation
///
/// What the member had claimed returns to the queue. They may join again with the same code.
#[utoipa::path(delete, path = "/v1/api/loops/{loop_id}/members/{user_id}", tag = "Members",
    params(("loop_id" = String, Path), ("user_id" = String, Path)),
    responses((status = 200, description = "Member removed from loop successfully", body = Envelope<RemovedMember>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:write"))))]
pub async fn remove(
    caller: With<LoopsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
    PathId(account): PathId<Account>,
) -> Result<Reply<RemovedMember>, ApiError> {
    let removed = members::remove(&app, &caller.caller, id, account).await.or_failed("Failed to update loop")?;
    Ok(Reply::ok(
        "Member removed from loop successfully",
        RemovedMember {
            loop_id: removed.loop_id.to_string(),
            user_id: removed.account_id.to_string(),
            removed_at: removed.removed_at.to_string(),
        },
    ))
}
