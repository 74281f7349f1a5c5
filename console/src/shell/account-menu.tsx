import { Menu } from '@base-ui/react/menu'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { request } from '../api/request.ts'
import { useLanguage } from '../language/language-context.tsx'
import { LANGUAGE_NAMES, LANGUAGES, type Language } from '../language/languages.ts'
import { rightsIn, SESSION_KEY, sessionQuery } from '../session/session.ts'
import { useNamespace } from '../url/use-namespace.ts'
import styles from './account-menu.module.css'
import { chooseTheme, storedTheme, THEMES, type Theme } from './theme.ts'

export function AccountMenu({ onHelp }: { readonly onHelp: () => void }): ReactNode {
  const { messages } = useLanguage()
  const { shell, session } = messages
  const namespace = useNamespace()
  const queries = useQueryClient()
  const { data } = useQuery(sessionQuery)
  const signOut = useMutation({
    mutationFn: () => request('/api/v1/session', { method: 'DELETE' }),
    onSettled: () => queries.resetQueries({ queryKey: SESSION_KEY }),
  })
  const name = data?.user.name ?? ''
  const role = rightsIn(data, namespace)?.role
  return (
    <Menu.Root>
      <Menu.Trigger className={styles['trigger']} aria-label={`${shell.account}: ${name}`}>
        {name.slice(0, 1).toUpperCase() || '·'}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className={styles['positioner']} sideOffset={6} align="end">
          <Menu.Popup className={styles['menu']}>
            <div className={styles['who']}>
              <strong>{name}</strong>
              {role !== undefined && <span className="muted">{shell.role(session.roles[role])}</span>}
            </div>
            <LookChoices />
            <Menu.Item className={styles['item']} onClick={onHelp}>
              {shell.help} <kbd>?</kbd>
            </Menu.Item>
            <Menu.Item className={styles['item']} onClick={() => signOut.mutate()}>
              {shell.signOut}
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}

function LookChoices(): ReactNode {
  const { language, choose, messages } = useLanguage()
  const { shell } = messages
  const [theme, setTheme] = useState(storedTheme)
  const changeTheme = (value: Theme) => {
    setTheme(value)
    chooseTheme(value)
  }
  return (
    <>
      <Menu.RadioGroup
        value={theme}
        onValueChange={(value: Theme) => changeTheme(value)}
        className={styles['group']}
        aria-label={shell.theme}
      >
        <div className={styles['label']}>{shell.theme}</div>
        {THEMES.map((one) => (
          <Menu.RadioItem key={one} value={one} className={styles['item']} closeOnClick={false}>
            {shell.themes[one]}
            <Menu.RadioItemIndicator>✓</Menu.RadioItemIndicator>
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
      <Menu.RadioGroup
        value={language}
        onValueChange={(value: Language) => choose(value)}
        className={styles['group']}
        aria-label={shell.language}
      >
        <div className={styles['label']}>{shell.language}</div>
        {LANGUAGES.map((one) => (
          <Menu.RadioItem key={one} value={one} className={styles['item']} lang={one} closeOnClick={false}>
            {LANGUAGE_NAMES[one]}
            <Menu.RadioItemIndicator>✓</Menu.RadioItemIndicator>
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
    </>
  )
}
