import type { ControllerOf } from '@carillon/runtime'
import type { AlertCases } from './alert-cases.ts'

export const alertsController = ({ changeRules, changeChannels, handleIncidents, readAlerts, known }: AlertCases) =>
  ({
    answers: {
      alertRulesPut: ({ namespace, input, by }) => changeRules.put(namespace, input, by),
      alertRulesGet: ({ namespace, input }) => readAlerts.rule(namespace, input.name),
      alertRulesList: ({ namespace, input }) => readAlerts.rules(namespace, input),
      alertRulesRemove: ({ namespace, input }) => changeRules.remove(namespace, input.name),
      alertChannelsPut: ({ namespace, input, by }) => changeChannels.put(namespace, input, by),
      alertChannelsGet: ({ namespace, input }) => readAlerts.channel(namespace, input.name),
      alertChannelsList: ({ namespace, input }) => readAlerts.channels(namespace, input),
      alertChannelsRemove: ({ namespace, input }) => changeChannels.remove(namespace, input.name),
      alertChannelsTest: ({ namespace, input }) => changeChannels.test(namespace, input.name),
      incidentsList: ({ namespace, input }) => readAlerts.incidents(namespace, input),
      incidentsGet: ({ namespace, input }) => readAlerts.incident(namespace, input.id),
      incidentsAcknowledge: ({ namespace, input, by }) => handleIncidents.acknowledge(namespace, input, by),
      incidentsSnooze: ({ namespace, input }) => handleIncidents.snooze(namespace, input),
    },
    receives: {
      // Every gateway publishes this when it changes a rule or a channel.
      'live.alert.*.changed': async ({ namespace }) => known.forget(namespace),
    },
  }) satisfies ControllerOf<'gateway'>
