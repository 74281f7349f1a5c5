import type { AlertRuleView } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAction } from '../../api/use-call.ts'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { RoleButton } from '../../parts/button.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Section } from '../../parts/page.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import layout from '../layout.module.css'
import { EditDialog, RemoveDialog } from './named-dialogs.tsx'
import { RuleForm } from './rule-form.tsx'

export function RulesTab(): ReactNode {
  const { alerts: texts, parts } = useMessages()
  const pages = usePages('alertRulesList', { limit: 100 })
  const rules = pages.items as readonly AlertRuleView[] | undefined
  const [edited, setEdited] = useState<AlertRuleView | 'new'>()
  const [removed, setRemoved] = useState<AlertRuleView>()
  const remove = useAction('alertRulesRemove', ['alertRulesList'])
  const columns: Column<AlertRuleView>[] = [
    { key: 'name', title: texts.name, cell: ({ name }) => name },
    { key: 'scene', title: texts.scene, cell: ({ scene }) => texts.scenes[scene] },
    {
      key: 'of',
      title: texts.of,
      isSecondary: true,
      cell: ({ jobs = [], handlers = [], instances = [] }) => [...jobs, ...handlers, ...instances].join(', ') || texts.all,
    },
    { key: 'channels', title: texts.channels, cell: ({ channels }) => channels.join(', ') || texts.noChannel },
    {
      key: 'on',
      title: texts.state,
      cell: ({ enabled }) => <Badge tone={enabled ? 'good' : 'calm'}>{enabled ? texts.on : texts.off}</Badge>,
    },
    {
      key: 'actions',
      title: texts.actions,
      cell: (rule) => (
        <span className={layout['buttons']}>
          <RoleButton role="developer" size="small" onClick={() => setEdited(rule)}>
            {texts.change}
          </RoleButton>
          <RoleButton role="developer" size="small" onClick={() => setRemoved(rule)}>
            {parts.remove}
          </RoleButton>
        </span>
      ),
    },
  ]
  return (
    <Section
      title={texts.tabs.rules}
      side={
        <RoleButton role="developer" look="main" onClick={() => setEdited('new')}>
          {texts.newRule}
        </RoleButton>
      }
    >
      <ListStates items={rules} error={pages.error} onRetry={pages.reload} empty={texts.noRules} />
      {rules !== undefined && rules.length > 0 && (
        <Table name={texts.tabs.rules} columns={columns} rows={rules} idOf={({ name }) => name} />
      )}
      <MoreButton pages={pages} />
      <EditDialog edited={edited} newTitle={texts.newRule} onClose={() => setEdited(undefined)}>
        {(rule) => <RuleForm rule={rule} onClose={() => setEdited(undefined)} />}
      </EditDialog>
      <RemoveDialog removed={removed} remove={remove} onClose={() => setRemoved(undefined)}>
        {texts.removeRuleText}
      </RemoveDialog>
    </Section>
  )
}
