import { useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Page } from '../../parts/page.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { oneOf } from '../../url/search.ts'
import { ChannelsTab } from './channels-tab.tsx'
import { IncidentsTab } from './incidents-tab.tsx'
import { RulesTab } from './rules-tab.tsx'

const TABS = ['incidents', 'rules', 'channels'] as const

export function AlertsPage(): ReactNode {
  const { alerts: texts } = useMessages()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const tab = oneOf(search, 'tab', TABS) ?? 'incidents'
  return (
    <Page title={texts.title}>
      <Tabs name={texts.title} active={tab} tabs={TABS.map((id) => ({ id, title: texts.tabs[id] }))} />
      {tab === 'incidents' && <IncidentsTab />}
      {tab === 'rules' && <RulesTab />}
      {tab === 'channels' && <ChannelsTab />}
    </Page>
  )
}
