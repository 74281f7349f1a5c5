import type { Command } from 'commander'
import { CARILLON } from '../own-command.ts'
import { addAlertChannelsCommands } from './alert-channels.ts'
import { addAlertIncidentsCommands } from './alert-incidents.ts'
import { addAlertRulesCommands } from './alert-rules.ts'

const HELP = `
A channel says where to, a rule says what about; an incident is what a rule found. It needs a gateway (${CARILLON} up has one).

Examples:
  ${CARILLON} alerts channels put ops @webhook.json
  ${CARILLON} alerts channels test ops
  ${CARILLON} alerts rules put failures --scene run-failed --job 'bill-*' --channel ops
  ${CARILLON} alerts incidents list --state open`

/** `carillon alerts …`. */
export function addAlertsCommands(program: Command): void {
  const alerts = program
    .command('alerts')
    .description('rules that raise alerts, channels that deliver them, and incidents')
    .addHelpText('after', HELP)
  addAlertRulesCommands(alerts)
  addAlertChannelsCommands(alerts)
  addAlertIncidentsCommands(alerts)
}
