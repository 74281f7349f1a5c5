import { type ReactNode, useRef, useState } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Button } from '../../parts/button.tsx'
import { Dialog, DialogActions } from '../../parts/dialog.tsx'
import { downloadText } from '../../parts/download.ts'
import { Field, TextArea } from '../../parts/field.tsx'
import type { WorkflowDocument } from '../../workflow/document.ts'
import { readWorkflowText, writeWorkflowText } from '../../workflow/files.ts'
import layout from '../layout.module.css'

export interface FileButtonsProps {
  readonly document: WorkflowDocument
  readonly onRead: (document: WorkflowDocument) => void
  readonly mayEdit: boolean
}

/** The files of `carillon workflows`: the same YAML and JSON. */
export function FileButtons({ document, onRead, mayEdit }: FileButtonsProps): ReactNode {
  const { workflow: texts } = useMessages()
  const [isImporting, setImporting] = useState(false)
  const name = document.job.name || 'workflow'
  return (
    <>
      <Button look="quiet" disabled={!mayEdit} onClick={() => setImporting(true)}>
        {texts.import}
      </Button>
      <Button look="quiet" onClick={() => downloadText(`${name}.yaml`, writeWorkflowText(document, 'yaml'))}>
        YAML ↓
      </Button>
      <Button look="quiet" onClick={() => downloadText(`${name}.json`, writeWorkflowText(document, 'json'))}>
        JSON ↓
      </Button>
      {isImporting && (
        <Dialog isOpen onClose={() => setImporting(false)} title={texts.import} isWide>
          <ImportForm
            name={document.job.name}
            onClose={() => setImporting(false)}
            onRead={(read) => {
              setImporting(false)
              onRead(read)
            }}
          />
        </Dialog>
      )}
    </>
  )
}

interface ImportFormProps {
  /** A stored workflow keeps its name, whatever the file says. */
  readonly name: string
  readonly onClose: () => void
  readonly onRead: (document: WorkflowDocument) => void
}

function ImportForm({ name, onClose, onRead }: ImportFormProps): ReactNode {
  const { workflow: texts, parts } = useMessages()
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string>()
  const input = useRef<HTMLInputElement>(null)
  const read = () => {
    try {
      const { document, problems } = readWorkflowText(text)
      if (problems[0] !== undefined) setProblem(`${problems[0].field}: ${problems[0].problem}. ${problems[0].hint}`)
      else onRead(name === '' ? document : { ...document, job: { ...document.job, name } })
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <div className={layout['stack']}>
      <input
        ref={input}
        type="file"
        accept=".yaml,.yml,.json"
        aria-label={texts.file}
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? []
          file?.text().then(setText, () => undefined)
        }}
      />
      <Field label={texts.fileText} hint={texts.fileHint} {...(problem === undefined ? {} : { problem })}>
        <TextArea rows={14} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </Field>
      <DialogActions>
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button look="main" disabled={text.trim() === ''} onClick={read}>
          {texts.import}
        </Button>
      </DialogActions>
    </div>
  )
}
