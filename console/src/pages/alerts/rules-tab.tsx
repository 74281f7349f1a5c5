import type { AlertRuleView } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAction } from '../../api/use-call.ts'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { RoleButton } from '../../parts/button.tsx'
import { ConfirmDialog, Dialog } from '../../parts/dialog.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Section } from '../../parts/page.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../parts/states.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import layout from '../layout.module.css'
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
      {pages.error !== null && rules === undefined && <ErrorState error={pages.error} onRetry={pages.reload} />}
      {rules === undefined && pages.error === null && <LoadingState />}
      {rules?.length === 0 && <EmptyState title={texts.noRules} />}
      {rules !== undefined && rules.length > 0 && (
        <Table name={texts.tabs.rules} columns={columns} rows={rules} idOf={({ name }) => name} />
      )}
      <MoreButton pages={pages} />
      {edited !== undefined && (
        <Dialog isOpen onClose={() => setEdited(undefined)} title={edited === 'new' ? texts.newRule : edited.name} isWide>
          <RuleForm rule={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />
        </Dialog>
      )}
      {removed !== undefined && (
        <ConfirmDialog
          isOpen
          onClose={() => setRemoved(undefined)}
          title={texts.removeTitle(removed.name)}
          action={parts.remove}
          isDangerous
          isPending={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate({ name: removed.name }, { onSuccess: () => setRemoved(undefined) })}
        >
          {texts.removeRuleText}
        </ConfirmDialog>
      )}
    </Section>
  )
}
