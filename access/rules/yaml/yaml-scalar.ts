import { short, shown } from './yaml-fault.ts'

export type PlainScalar =
  | { readonly value: string | number | boolean | null }
  | { readonly value: string | null; readonly fault: string }

/**
 * What a text without quotes means: YAML 1.2 core, less what readers of other YAMLs, or of the file, would take for
 * something else. `yes`, `no`, `on`, `off` and `12:30` are plain texts there.
 */
export const readPlain = (text: string): PlainScalar => {
  if (text === '' || /^(?:~|null|Null|NULL)$/.test(text)) return { value: null }
  if (text === 'true' || text === 'false') return { value: text === 'true' }
  if (/^(?:True|TRUE|False|FALSE)$/.test(text)) {
    const fault = `write ${text.toLowerCase()}, in small letters, or ${shown(text)} in quotes if it is a name`
    return { value: text, fault }
  }
  if (/^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?)$/.test(text) && !/^-0(?:\.0+)?$/.test(text)) return readDecimal(text)
  return oddNumber.test(text) ? { value: text, fault: mendOdd(text) } : { value: text }
}

const readDecimal = (text: string): PlainScalar => {
  const value = Number(text)
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return { value }
  return {
    value: text,
    fault: `${short(text)} is too large for a number; write it in quotes if it is a name`,
  }
}

/** Numbers to some reader of YAML 1.1 or 1.2, but not in plain digits. */
const oddNumber =
  /^(?:[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?|[-+]?0[xX][\da-fA-F_]+|[-+]?0o[0-7_]+|[-+]?0b[01_]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/

const mendOdd = (text: string): string => {
  const [, sign = '', size = ''] = /^([-+]?)(.*)$/.exec(text.replaceAll('_', '')) ?? []
  const value = sign === '-' ? 0 - Number(size) : Number(size)
  const exact = Math.abs(value) <= Number.MAX_SAFE_INTEGER && !String(value).includes('e')
  const plain = exact ? `write ${value}, in plain digits` : 'write a number in plain digits'
  return `${short(text)} is an unusual way to write a number; ${plain}, or put it in quotes if it is a name`
}
