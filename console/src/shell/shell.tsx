import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { type ReactNode, useEffect, useState } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { pagePath } from '../url/page-path.ts'
import { useNamespace } from '../url/use-namespace.ts'
import { AccountMenu } from './account-menu.tsx'
import { Bell } from './bell.tsx'
import { HelpDialog } from './help-dialog.tsx'
import { NamespaceSwitch } from './namespace-switch.tsx'
import { PAGES } from './pages.ts'
import { SearchDialog } from './search-dialog.tsx'
import styles from './shell.module.css'
import { StreamDot } from './stream-dot.tsx'
import { useShortcuts } from './use-shortcuts.ts'

/** What is around every page. */
export function Shell(): ReactNode {
  const { shell } = useMessages()
  const [dialog, setDialog] = useState<'search' | 'help'>()
  const [isMenuOpen, setMenuOpen] = useState(false)
  const { pathname } = useLocation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the menu.
  useEffect(() => setMenuOpen(false), [pathname])
  useShortcuts({ onSearch: () => setDialog('search'), onHelp: () => setDialog('help') })
  return (
    <div className={styles['shell']}>
      <a href="#content" className={styles['skip']}>
        {shell.skip}
      </a>
      <header className={styles['top']}>
        <button
          type="button"
          className={styles['menu']}
          aria-expanded={isMenuOpen}
          aria-controls="navigation"
          aria-label={shell.openNavigation}
          onClick={() => setMenuOpen(!isMenuOpen)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2 4h12M2 8h12M2 12h12" />
          </svg>
        </button>
        <Link to="/" className={styles['brand']}>
          <Bell className={styles['bell']} />
          <span>Carillon</span>
        </Link>
        <NamespaceSwitch />
        <button type="button" className={styles['search']} onClick={() => setDialog('search')}>
          <span>{shell.search}</span>
          <kbd>/</kbd>
        </button>
        <StreamDot />
        <AccountMenu onHelp={() => setDialog('help')} />
      </header>
      <Navigation isOpen={isMenuOpen} />
      <main id="content" className={styles['content']} tabIndex={-1}>
        <Outlet />
      </main>
      <SearchDialog isOpen={dialog === 'search'} onClose={() => setDialog(undefined)} />
      <HelpDialog isOpen={dialog === 'help'} onClose={() => setDialog(undefined)} />
    </div>
  )
}

function Navigation({ isOpen }: { readonly isOpen: boolean }): ReactNode {
  const { shell } = useMessages()
  const namespace = useNamespace()
  return (
    <nav id="navigation" className={styles['navigation']} data-open={isOpen} aria-label={shell.navigation}>
      {PAGES.map(({ id, path, icon }) => (
        <Link key={id} to={pagePath(namespace, path)} className={styles['entry']} activeProps={{ 'data-active': true }}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d={icon} />
          </svg>
          {shell.pages[id]}
        </Link>
      ))}
    </nav>
  )
}
