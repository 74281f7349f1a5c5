import type { CallName } from './calls.ts'

/** What someone may do in a namespace; each role may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'developer', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** The HTTP route of a call. */
export interface HttpRoute {
  /** GET reads and changes nothing. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /**
   * Below `/api/v1/namespaces/{namespace}`; `{field}` is that field of the call's input. The other fields are in the query of GET and DELETE,
   * else in the body.
   */
  readonly path: string
  /** The least role that may make the call. */
  readonly role: Role
  /** The role is needed in every namespace: what the call does concerns all of them. */
  readonly everywhere?: true
}

const route = (role: Role, line: `${HttpRoute['method']} /${string}`): HttpRoute => {
  const [method, path] = line.split(' ') as [HttpRoute['method'], string]
  return { method, path, role }
}

/**
 * The HTTP routes and the roles of all calls: the gateway, its OpenAPI document, the CLI over HTTP and docs/ROLES.md derive from this table.
 * Reading is for viewers, keeping things running for operators, defining what runs for developers, removing what is kept for admins.
 */
export const HTTP_ROUTES: Readonly<Record<CallName, HttpRoute>> = {
  jobsPut: route('developer', 'PUT /jobs/{name}'),
  jobsCheck: route('viewer', 'POST /jobs/{name}/check'),
  jobsGet: route('viewer', 'GET /jobs/{name}'),
  jobsList: route('viewer', 'GET /jobs'),
  jobsPreview: route('viewer', 'POST /schedules/preview'),
  jobsBackfill: route('operator', 'POST /jobs/{name}/backfill'),
  jobsPause: route('operator', 'POST /jobs/{name}/pause'),
  jobsResume: route('operator', 'POST /jobs/{name}/resume'),
  jobsDeclare: route('developer', 'POST /jobs/{name}/declare'),
  jobsRelease: route('developer', 'POST /jobs/{name}/release'),
  jobsHistory: route('viewer', 'GET /jobs/{name}/history'),
  jobsRemove: route('developer', 'DELETE /jobs/{name}'),
  jobsRun: route('operator', 'POST /jobs/{job}/runs'),
  calendarsPut: route('developer', 'PUT /calendars/{name}'),
  calendarsGet: route('viewer', 'GET /calendars/{name}'),
  calendarsList: route('viewer', 'GET /calendars'),
  calendarsRemove: route('developer', 'DELETE /calendars/{name}'),
  runsStart: route('operator', 'POST /runs'),
  runsGet: route('viewer', 'GET /runs/{runId}'),
  runsEnded: route('viewer', 'POST /runs/ended'),
  runsWhy: route('viewer', 'GET /runs/{runId}/why'),
  runsList: route('viewer', 'GET /runs'),
  runsCount: route('viewer', 'GET /runs/count'),
  runsBulk: route('operator', 'POST /runs/bulk'),
  runsTasks: route('viewer', 'GET /runs/{runId}/tasks'),
  runsTree: route('viewer', 'GET /runs/{runId}/tree'),
  runsCancel: route('operator', 'POST /runs/{runId}/cancel'),
  runsMove: route('operator', 'POST /runs/{runId}/move'),
  versionsList: route('viewer', 'GET /versions'),
  runsPause: route('operator', 'POST /runs/{runId}/pause'),
  runsResume: route('operator', 'POST /runs/{runId}/resume'),
  runsRetry: route('operator', 'POST /runs/{runId}/retry'),
  runsSkipNode: route('operator', 'POST /runs/{runId}/nodes/{node}/skip'),
  runsSucceedNode: route('operator', 'POST /runs/{runId}/nodes/{node}/succeed'),
  runsStopNode: route('operator', 'POST /runs/{runId}/nodes/{node}/stop'),
  runsSignal: route('operator', 'POST /runs/{runId}/signals/{name}'),
  runsSignals: route('viewer', 'GET /runs/{runId}/signals'),
  runsApprove: route('operator', 'POST /runs/{runId}/nodes/{node}/approve'),
  runsReject: route('operator', 'POST /runs/{runId}/nodes/{node}/reject'),
  runsPrune: route('admin', 'POST /runs/prune'),
  deadLettersList: route('viewer', 'GET /dead-letters'),
  deadLettersGet: route('viewer', 'GET /dead-letters/{id}'),
  deadLettersRedrive: route('operator', 'POST /dead-letters/{id}/redrive'),
  deadLettersRollback: route('operator', 'POST /dead-letters/{id}/rollback'),
  deadLettersRemove: route('operator', 'DELETE /dead-letters/{id}'),
  tasksClaim: route('developer', 'POST /tasks/{taskId}/claim'),
  tasksMap: route('developer', 'POST /tasks/{taskId}/map'),
  tasksRun: route('developer', 'POST /tasks/{taskId}/run'),
  tasksResults: route('developer', 'POST /tasks/{taskId}/results'),
  tasksStep: route('developer', 'POST /tasks/{taskId}/step'),
  tasksJournal: route('developer', 'POST /tasks/{taskId}/journal'),
  tasksNext: route('developer', 'POST /tasks/{taskId}/next'),
  tasksData: route('developer', 'POST /tasks/{taskId}/data'),
  tasksMemory: route('developer', 'POST /tasks/{taskId}/memory'),
  statsOverview: route('viewer', 'GET /stats/overview'),
  statsJob: route('viewer', 'GET /jobs/{name}/stats'),
  statsQueues: route('viewer', 'GET /stats/queues'),
  coordinatorHealth: route('viewer', 'GET /health/coordinator'),
  coordinatorRebuild: route('admin', 'POST /rebuild'),
  instancesRegister: route('developer', 'PUT /instances/{instance}'),
  instancesLeave: route('developer', 'POST /instances/{instance}/leave'),
  instancesList: route('viewer', 'GET /instances'),
  handlersList: route('viewer', 'GET /handlers'),
  instancesCordon: route('operator', 'POST /instances/{instance}/cordon'),
  instancesUncordon: route('operator', 'POST /instances/{instance}/uncordon'),
  instancesDrain: route('operator', 'POST /instances/{instance}/drain'),
  registryHealth: route('viewer', 'GET /health/registry'),
  logsSearch: route('viewer', 'GET /logs'),
  logsQuery: route('viewer', 'GET /runs/{runId}/logs'),
  loggerHealth: route('viewer', 'GET /health/logger'),
  alertRulesPut: route('developer', 'PUT /alert-rules/{name}'),
  alertRulesGet: route('viewer', 'GET /alert-rules/{name}'),
  alertRulesList: route('viewer', 'GET /alert-rules'),
  alertRulesRemove: route('developer', 'DELETE /alert-rules/{name}'),
  alertChannelsPut: route('developer', 'PUT /alert-channels/{name}'),
  alertChannelsGet: route('viewer', 'GET /alert-channels/{name}'),
  alertChannelsList: route('viewer', 'GET /alert-channels'),
  alertChannelsRemove: route('developer', 'DELETE /alert-channels/{name}'),
  alertChannelsTest: route('developer', 'POST /alert-channels/{name}/test'),
  incidentsList: route('viewer', 'GET /incidents'),
  incidentsGet: route('viewer', 'GET /incidents/{id}'),
  incidentsAcknowledge: route('operator', 'POST /incidents/{id}/acknowledge'),
  incidentsSnooze: route('operator', 'POST /incidents/{id}/snooze'),
  gatewayHealth: route('viewer', 'GET /health/gateway'),
  accountsLink: { ...route('admin', 'POST /accounts/link'), everywhere: true },
}
