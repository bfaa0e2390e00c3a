import { styleText } from 'node:util'

export interface Screen {
  services: readonly { name: string; where: string; what?: string }[]
  tries: readonly { title: string; command: string }[]
}

export interface ScreenOptions {
  colour: boolean
  /** Columns of the terminal. */
  width: number
}

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string

/** What the person sees when everything runs: what is where, and what to try, in order. */
export function renderScreen({ services, tries }: Screen, { colour, width }: ScreenOptions): string {
  const paint: Paint = (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text)
  return [
    paint('bold', 'Pagepass is running'),
    '',
    ...renderServices(services, width, paint),
    '',
    paint('bold', 'Try, in this order'),
    '',
    ...renderTries(tries, width, paint),
    '',
    paint('dim', 'Ctrl-C stops everything.'),
    '',
  ].join('\n')
}

function renderServices(services: Screen['services'], width: number, paint: Paint): string[] {
  const nameWidth = longest(services.map(({ name }) => name))
  const whereWidth = longest(services.map(({ where }) => where))
  const whatWidth = longest(services.map(({ what }) => what ?? ''))
  const beside = 2 + nameWidth + 2 + whereWidth + 2 + whatWidth <= width
  const below = 2 + nameWidth + 2
  return services.flatMap(({ name, where, what }) => {
    const start = `  ${name.padEnd(nameWidth)}  ${paint('cyan', where)}`
    if (what === undefined) return [start]
    if (beside) return [`${start}${' '.repeat(whereWidth - where.length)}  ${paint('dim', what)}`]
    return [start, ...wrap(what, width - below).map((line) => ' '.repeat(below) + paint('dim', line))]
  })
}

/** A command is never wrapped: it must survive being copied. */
function renderTries(tries: Screen['tries'], width: number, paint: Paint): string[] {
  const numberWidth = String(tries.length).length
  const below = 2 + numberWidth + 2
  return tries.flatMap(({ title, command }, index) => {
    const [first = '', ...rest] = wrap(title, width - below)
    const number = String(index + 1).padStart(numberWidth)
    return [
      `  ${number}  ${first}`,
      ...rest.map((line) => ' '.repeat(below) + line),
      ' '.repeat(below) + paint('green', command),
    ]
  })
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length))
}
