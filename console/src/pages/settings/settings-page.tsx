import { useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Page } from '../../parts/page.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { useMay } from '../../session/session.ts'
import { oneOf } from '../../url/search.ts'
import layout from '../layout.module.css'
import { AuditTab } from './audit-tab.tsx'
import { MembersTab } from './members-tab.tsx'
import { NamespacesTab } from './namespaces-tab.tsx'
import { TokensTab } from './tokens-tab.tsx'
import { WebhooksTab } from './webhooks-tab.tsx'

const TABS = ['members', 'tokens', 'webhooks', 'namespaces', 'audit'] as const
/** What only admins may read. */
const OF_ADMINS: readonly (typeof TABS)[number][] = ['members', 'tokens', 'audit']

/** Who may do what here, and what was done. */
export function SettingsPage(): ReactNode {
  const { settings: texts, session } = useMessages()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const tab = oneOf(search, 'tab', TABS) ?? 'members'
  const isAdmin = useMay('admin')
  const isHidden = !isAdmin && OF_ADMINS.includes(tab)
  return (
    <Page title={texts.title}>
      <Tabs name={texts.title} active={tab} tabs={TABS.map((id) => ({ id, title: texts.tabs[id] }))} />
      {isHidden && <p className={layout['note']}>{session.needsRole(session.roles.admin)}</p>}
      {!isHidden && tab === 'members' && <MembersTab />}
      {!isHidden && tab === 'tokens' && <TokensTab />}
      {tab === 'webhooks' && <WebhooksTab />}
      {tab === 'namespaces' && <NamespacesTab />}
      {!isHidden && tab === 'audit' && <AuditTab />}
    </Page>
  )
}
