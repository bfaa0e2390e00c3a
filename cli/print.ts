import { styleText } from 'node:util'

/** Whether what is printed may have colours: at a terminal, unless NO_COLOR says otherwise (https://no-color.org). */
export const hasColours = (environment: NodeJS.ProcessEnv): boolean =>
  process.stdout.isTTY === true && !environment['NO_COLOR']

type Style = 'red' | 'green' | 'yellow' | 'bold' | 'dim'
type Paint = (style: Style, text: string) => string

/** Styles texts, or leaves them as they are. */
export const painter =
  (colours: boolean): Paint =>
  (style, text) =>
    colours ? styleText(style, text, { validateStream: false }) : text

export const jsonLine = (value: object): string => `${JSON.stringify(value)}\n`

/** One JSON object a line. */
export const jsonLines = (values: readonly object[]): string => values.map(jsonLine).join('')

/** `1 proxy`, `2 proxies`. */
export const counted = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`
