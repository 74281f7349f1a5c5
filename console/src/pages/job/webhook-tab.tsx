import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Section } from '../../parts/page.tsx'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'

/** The URL that fires the job, for systems elsewhere. */
export function WebhookTab({ job }: { readonly job: string }): ReactNode {
  const { job: texts } = useMessages()
  const namespace = useNamespace()
  const url = `${location.origin}/hooks/${encodeURIComponent(namespace)}/${encodeURIComponent(job)}`
  return (
    <Section title={texts.tabs.webhook}>
      <div className={layout['padded']}>
        <p>{texts.webhookText}</p>
        <div className={layout['secret']}>
          <span>POST {url}</span>
          <CopyButton text={url} />
        </div>
      </div>
    </Section>
  )
}
