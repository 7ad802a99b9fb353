import { describe, expect, test } from 'vitest'
import { ARTIFACT_EXTENSIONS, artifactTypeOf } from './artifact-type.ts'

describe('the type of an artifact', () => {
  test.each([
    ['model', '.pkl .joblib .pt .h5 .safetensors .gguf .pth .keras .bin'],
    ['onnx', '.onnx'],
    ['checkpoint', '.ckpt'],
    ['config', '.json .yaml .yml .toml .xml'],
    ['plot', '.png .svg .jpg .jpeg .gif .webp'],
    ['data', '.csv .parquet .tsv .npz .npy .jsonl .arrow'],
    ['report', '.txt .md .html .pdf'],
    ['log', '.log'],
    ['code', '.py .ipynb'],
    ['archive', '.tar .gz .zip'],
    ['other', '.xyz'],
  ])('is %s for %s', (type, extensions) => {
    for (const extension of extensions.split(' ')) expect(artifactTypeOf(`dir/x${extension}`).type).toBe(type)
  })

  test('comes from the last extension, in any case', () => {
    expect(artifactTypeOf('PLOT.PNG').type).toBe('plot')
    expect(artifactTypeOf('data.csv.gz').type).toBe('archive')
    expect(artifactTypeOf('v1.2/model').type).toBe('other')
    expect(artifactTypeOf('model/MLmodel').type).toBe('config')
  })

  test('that is not known is served as bytes to save', () => {
    for (const name of ['README', 'x.', 'x.exe', 'constructor', 'a.__proto__', '.png/x']) {
      expect(artifactTypeOf(name)).toEqual({
        type: 'other',
        contentType: 'application/octet-stream',
        disposition: 'attachment',
      })
    }
  })
})

describe('what a browser could run', () => {
  test.each([
    'x.html',
    'x.htm',
    'x.xhtml',
    'x.svg',
    'x.xml',
    'x.pdf',
    'x.js',
    'x.mjs',
    'x.css',
    'x.wasm',
    'X.SVG',
  ])('is saved, not shown: %s', (name) => {
    expect(artifactTypeOf(name).disposition).toBe('attachment')
  })

  test('has no content type that is shown', () => {
    for (const extension of ARTIFACT_EXTENSIONS) {
      const { contentType, disposition } = artifactTypeOf(`x.${extension}`)
      if (disposition === 'inline') expect(contentType).not.toMatch(/html|xml|script|pdf|octet-stream/)
    }
  })
})
