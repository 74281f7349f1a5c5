import * as z from 'zod'
import { alertChannelInputSchema, alertChannelViewSchema, channelTestedSchema } from './alert-channel.ts'
import { alertRuleInputSchema, alertRuleViewSchema } from './alert-rule.ts'
import { page, pageOf } from './answers.ts'
import { call } from './call.ts'
import { nameField } from './fields.ts'
import { acknowledgeIncidentSchema, byIncidentSchema, incidentViewSchema, listIncidentsSchema, snoozeIncidentSchema } from './incident.ts'

const byName = z.strictObject({ name: nameField })
const removed = z.object({ removed: z.literal(true) })

/** The calls about alerts. */
export const ALERT_CALLS = {
  alertRulesPut: call('gateway', 'alertRules.put', {
    input: alertRuleInputSchema,
    repeatable: 'always',
    answer: alertRuleViewSchema,
    description: 'Create or replace an alert rule',
  }),
  alertRulesGet: call('gateway', 'alertRules.get', {
    input: byName,
    repeatable: 'always',
    answer: alertRuleViewSchema,
    description: 'One alert rule',
  }),
  alertRulesList: call('gateway', 'alertRules.list', {
    input: page,
    repeatable: 'always',
    answer: pageOf(alertRuleViewSchema),
    description: 'Alert rules by name',
  }),
  alertRulesRemove: call('gateway', 'alertRules.remove', {
    input: byName,
    repeatable: 'never',
    answer: removed,
    description: 'Remove an alert rule; what of it is open ends without a notice',
  }),
  alertChannelsPut: call('gateway', 'alertChannels.put', {
    input: alertChannelInputSchema,
    repeatable: 'always',
    answer: alertChannelViewSchema,
    description: 'Create or replace an alert channel; a secret that is left out stays as it is',
  }),
  alertChannelsGet: call('gateway', 'alertChannels.get', {
    input: byName,
    repeatable: 'always',
    answer: alertChannelViewSchema,
    description: 'One alert channel, without its secrets',
  }),
  alertChannelsList: call('gateway', 'alertChannels.list', {
    input: page,
    repeatable: 'always',
    answer: pageOf(alertChannelViewSchema),
    description: 'Alert channels by name, without their secrets',
  }),
  alertChannelsRemove: call('gateway', 'alertChannels.remove', {
    input: byName,
    repeatable: 'never',
    answer: removed,
    description: 'Remove an alert channel that no rule uses',
  }),
  alertChannelsTest: call('gateway', 'alertChannels.test', {
    input: byName,
    repeatable: 'never',
    answer: channelTestedSchema,
    description: 'Send a test message to a channel, and answer what the other side said',
    deadlineMs: 30_000,
  }),
  incidentsList: call('gateway', 'incidents.list', {
    input: listIncidentsSchema,
    repeatable: 'always',
    answer: pageOf(incidentViewSchema),
    description: 'Incidents, newest first',
  }),
  incidentsGet: call('gateway', 'incidents.get', {
    input: byIncidentSchema,
    repeatable: 'always',
    answer: incidentViewSchema,
    description: 'One incident, with what was sent about it',
  }),
  incidentsAcknowledge: call('gateway', 'incidents.acknowledge', {
    input: acknowledgeIncidentSchema,
    repeatable: 'always',
    answer: incidentViewSchema,
    description: 'Take care of an open incident: no more reminders',
  }),
  incidentsSnooze: call('gateway', 'incidents.snooze', {
    input: snoozeIncidentSchema,
    repeatable: 'always',
    answer: incidentViewSchema,
    description: 'No reminders of an open incident for a while',
  }),
} as const
