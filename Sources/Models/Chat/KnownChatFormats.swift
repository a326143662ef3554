/// The chat formats that are known, and the marks by which their templates are told apart.
///
/// A template is of the first format of the list whose marks it holds and whose texts, all of them,
/// it writes. Source of marks and names: `llm_chat_detect_template` in `src/llama-chat.cpp` of
/// llama.cpp; of the texts: the templates that the models are published with.
extension ChatFormat {
  /// All of them, the more special before the more general.
  static let known: [ChatFormat] =
    chatML + mistral + llama + roleTags + dialogues + deepSeek + headers

  private static let chatML: [ChatFormat] = [
    ChatFormat(
      name: "phi4", marks: ["<|im_start|>", "<|im_sep|>"],
      system: .turn(Frame("<|im_start|>system<|im_sep|>", "<|im_end|>")),
      user: Frame("<|im_start|>user<|im_sep|>", "<|im_end|>"),
      assistant: Frame("<|im_start|>assistant<|im_sep|>", "<|im_end|>"),
      answerStart: "<|im_start|>assistant<|im_sep|>"),
    // Yi 1.5: the system message stands by itself.
    ChatFormat(
      name: "chatml-yi", marks: ["<|im_start|>"], code: ["«system_message»"],
      system: .turn(Frame("", "")), user: Frame("<|im_start|>user\n", "<|im_end|>\n"),
      assistant: Frame("<|im_start|>assistant\n", "<|im_end|>\n"),
      answerStart: "<|im_start|>assistant\n"),
    ChatFormat(
      name: "chatml", marks: ["<|im_start|>"], lacks: ["<end_of_utterance>", "Reasoning Mode: "],
      system: .turn(Frame("<|im_start|>system\n", "<|im_end|>\n")),
      user: Frame("<|im_start|>user\n", "<|im_end|>\n"),
      assistant: Frame("<|im_start|>assistant\n", "<|im_end|>\n"),
      answerStart: "<|im_start|>assistant\n", trimming: .everybodysIfSaid),
  ]

  private static let mistral: [ChatFormat] =
    [
      ChatFormat(
        name: "mistral-v7", marks: ["[INST]", "[SYSTEM_PROMPT]"], code: ["[INST] \"+"],
        system: .turn(Frame("[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]")),
        user: Frame("[INST] ", "[/INST]"), assistant: Frame(" ", "{eos}")),
      ChatFormat(
        name: "mistral-v7-tekken", marks: ["[INST]", "[SYSTEM_PROMPT]"],
        system: .turn(Frame("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]")),
        user: Frame("[INST]", "[/INST]"), assistant: Frame("", "{eos}")),
      ChatFormat(
        name: "mistral-v1", marks: [" [INST] "], lacks: ["<<SYS>>"],
        code: ["system_message+\"\n\n\"", "\" [INST] \"+", "\" \"+message.content+\"{eos}\""],
        system: .question(Frame("", "\n\n"), .first), user: Frame(" [INST] ", " [/INST]"),
        assistant: Frame(" ", "{eos}")),
    ] + mistralV3(.last, "last") + mistralV3(.first, "first")

  private static func mistralV3(_ question: Question, _ word: String) -> [ChatFormat] {
    let place = "loop.\(word) and system_message is defined"
    return [
      ChatFormat(
        name: "mistral-v3", marks: ["[INST]", "[AVAILABLE_TOOLS]"],
        code: [place, "\"[INST] \"+", "\" \"+message.content"],
        system: .question(Frame("", "\n\n"), question), user: Frame("[INST] ", "[/INST]"),
        assistant: Frame(" ", "{eos}"), trimming: .assistantsIfSaid),
      ChatFormat(
        name: "mistral-v3-tekken", marks: ["[INST]", "[AVAILABLE_TOOLS]"],
        code: [place, "\"[INST]\"+", "«message.content"],
        system: .question(Frame("", "\n\n"), question), user: Frame("[INST]", "[/INST]"),
        assistant: Frame("", "{eos}"), trimming: .assistantsIfSaid),
    ]
  }

  private static let llama: [ChatFormat] = [
    // The template that Llama 2 is published with: each turn begins and ends a text.
    ChatFormat(
      name: "llama2-sys-strip", marks: ["[INST]", "<<SYS>>"],
      code: ["\"{bos}[INST] \"+content.strip()+\" [/INST]\"", "\" \"+content.strip()+\" {eos}\""],
      system: .question(Frame("<<SYS>>\n", "\n<</SYS>>\n\n"), .firstAsOne),
      user: Frame("{bos}[INST] ", " [/INST]"), assistant: Frame(" ", " {eos}"), trimming: .turns),
    ChatFormat(
      name: "llama2-sys-strip", marks: ["[INST]", "<<SYS>>"],
      code: ["\"[INST] \"+content.strip()+\" [/INST]\"", "\" \"+content.strip()+\" {eos}\""],
      system: .question(Frame("<<SYS>>\n", "\n<</SYS>>\n\n"), .firstAsOne),
      user: Frame("[INST] ", " [/INST]"), assistant: Frame(" ", " {eos}"), trimming: .turns),
    // Mistral's first models.
    ChatFormat(
      name: "llama2", marks: ["[INST]"], lacks: ["<<SYS>>", "system_message"],
      code: ["\"[INST] \"+message.content+\" [/INST]\"", "message.content+\"{eos} \""],
      system: .refused, user: Frame("[INST] ", " [/INST]"), assistant: Frame("", "{eos} ")),
    ChatFormat(
      name: "llama2", marks: ["[INST]"], lacks: ["<<SYS>>", "system_message"],
      code: ["\"[INST] \"+message.content+\" [/INST]\"", "message.content+\"{eos}\""],
      system: .refused, user: Frame("[INST] ", " [/INST]"), assistant: Frame("", "{eos}")),
  ]

  /// Roles between bars.
  private static let roleTags: [ChatFormat] = [
    ChatFormat(
      name: "phi3", marks: ["<|assistant|>", "<|end|>"],
      system: .turn(Frame("<|system|>\n", "<|end|>\n")), user: Frame("<|user|>\n", "<|end|>\n"),
      assistant: Frame("<|assistant|>\n", "<|end|>\n"), answerStart: "<|assistant|>\n"),
    ChatFormat(
      name: "phi3", marks: ["<|assistant|>", "<|end|>"], lacks: ["<|system|>"],
      system: .refused, user: Frame("<|user|>\n", "<|end|>\n"),
      assistant: Frame("<|assistant|>\n", "<|end|>\n"), answerStart: "<|assistant|>\n"),
    ChatFormat(
      name: "phi4-mini", marks: ["<|assistant|>", "<|end|>"],
      code: ["|>\"+message.content+\"<|end|>\""],
      system: .turn(Frame("<|system|>", "<|end|>")), user: Frame("<|user|>", "<|end|>"),
      assistant: Frame("<|assistant|>", "<|end|>"), answerStart: "<|assistant|>"),
    // Zephyr, TinyLlama.
    ChatFormat(
      name: "zephyr", marks: ["<|user|>", "<|assistant|>"],
      code: ["\"<|user|>\n\"+message.content+\"{eos}\n\""],
      system: .turn(Frame("<|system|>\n", "{eos}\n")), user: Frame("<|user|>\n", "{eos}\n"),
      assistant: Frame("<|assistant|>\n", "{eos}\n"), answerStart: "<|assistant|>\n"),
    ChatFormat(
      name: "zephyr", marks: ["<|endoftext|>"],
      system: .turn(Frame("<|system|>\n", "<|endoftext|>\n")),
      user: Frame("<|user|>\n", "<|endoftext|>\n"),
      assistant: Frame("<|assistant|>\n", "<|endoftext|>\n"), answerStart: "<|assistant|>\n"),
    // Falcon 3, OLMo 2.
    ChatFormat(
      name: "falcon3", marks: ["<|user|>", "<|assistant|>"],
      code: [
        "\"<|user|>\n\"+message.content+\"\n\"", "\"<|assistant|>\n\"+message.content+\"{eos}\n\"",
      ],
      system: .turn(Frame("<|system|>\n", "\n")), user: Frame("<|user|>\n", "\n"),
      assistant: Frame("<|assistant|>\n", "{eos}\n"), answerStart: "<|assistant|>\n"),
    ChatFormat(
      name: "falcon3", marks: ["<|user|>", "<|assistant|>"],
      code: [
        "\"<|user|>\n\"+message.content+\"\n\"", "\"<|assistant|>\n\"+message.content+\"\n\"",
      ],
      system: .turn(Frame("<|system|>\n", "\n")), user: Frame("<|user|>\n", "\n"),
      assistant: Frame("<|assistant|>\n", "\n"), answerStart: "<|assistant|>\n"),
    ChatFormat(
      name: "glmedge", marks: ["<|user|>", "<|assistant|>"], lacks: ["[gMASK]"],
      code: ["\"<|user|>\n\"+message.content»"],
      system: .turn(Frame("<|system|>\n", "")), user: Frame("<|user|>\n", ""),
      assistant: Frame("<|assistant|>\n", ""), answerStart: "<|assistant|>"),
    ChatFormat(
      name: "monarch", marks: ["bos_token + message['role']"],
      code: ["«\"{bos}\u{1}\n\"+message.content+\"{eos}\n\"»"],
      system: .turn(Frame("{bos}system\n", "{eos}\n")), user: Frame("{bos}user\n", "{eos}\n"),
      assistant: Frame("{bos}assistant\n", "{eos}\n"), answerStart: "{bos}assistant\n"),
  ]

  /// Roles as words, or as tokens of their own.
  private static let dialogues: [ChatFormat] = [
    ChatFormat(
      name: "ziya", marks: ["<human>:", "<bot>:"], system: .turn(Frame("", "\n")),
      user: Frame("<human>:", "\n<bot>:"), assistant: Frame("", "{eos}"),
      trimming: .everybodysIfSaid),
    ChatFormat(
      name: "gemma", marks: ["<start_of_turn>", "first_user_prefix"],
      code: ["first_user_prefix if loop.first", "message.content|trim"],
      system: .question(Frame("", "\n\n"), .first),
      user: Frame("<start_of_turn>user\n", "<end_of_turn>\n"),
      assistant: Frame("<start_of_turn>model\n", "<end_of_turn>\n"),
      answerStart: "<start_of_turn>model\n", trimming: .turns),
    ChatFormat(
      name: "gemma", marks: ["<start_of_turn>"], lacks: ["first_user_prefix"],
      system: .refused, user: Frame("<start_of_turn>user\n", "<end_of_turn>\n"),
      assistant: Frame("<start_of_turn>model\n", "<end_of_turn>\n"),
      answerStart: "<start_of_turn>model\n", trimming: .everybodysIfSaid),
    ChatFormat(
      name: "orion", marks: ["Human: ", "\\n\\nAssistant: ' + eos_token"], system: .refused,
      user: Frame("Human: ", "\n\nAssistant: {eos}"), assistant: Frame("", "{eos}")),
    ChatFormat(
      name: "openchat", marks: ["GPT4 Correct "],
      system: .turn(Frame("GPT4 Correct System: ", "<|end_of_turn|>")),
      user: Frame("GPT4 Correct User: ", "<|end_of_turn|>"),
      assistant: Frame("GPT4 Correct Assistant: ", "<|end_of_turn|>"),
      answerStart: "GPT4 Correct Assistant:"),
    ChatFormat(
      name: "vicuna-orca", marks: ["SYSTEM: ", "USER: ", "ASSISTANT: "],
      system: .turn(Frame("SYSTEM: ", "\n")), user: Frame("USER: ", "\n"),
      assistant: Frame("ASSISTANT: ", "</s>\n"), answerStart: "ASSISTANT:"),
    ChatFormat(
      name: "vicuna", marks: ["USER: ", "ASSISTANT: "], lacks: ["SYSTEM: "],
      system: .turn(Frame("", "\n\n")), user: Frame("USER: ", "\n"),
      assistant: Frame("ASSISTANT: ", "</s>\n"), answerStart: "ASSISTANT:"),
    // As its authors write it: all on one line.
    ChatFormat(
      name: "vicuna", marks: ["USER: ", "ASSISTANT: "], lacks: ["SYSTEM: "],
      code: ["\"USER: \"+", "\"ASSISTANT: \"+"],
      system: .turn(Frame("", " ")), user: Frame("USER: ", " "),
      assistant: Frame("ASSISTANT: ", "{eos}"), answerStart: "ASSISTANT:",
      trimming: .everybodysIfSaid),
    ChatFormat(
      name: "minicpm", marks: ["<用户>", "<AI>"], system: .turn(Frame("", "")),
      user: Frame("<用户>", "<AI>"), assistant: Frame("", ""), trimming: .everybodysIfSaid),
    ChatFormat(
      name: "megrez", marks: ["<|role_start|>"],
      system: .turn(Frame("<|role_start|>system<|role_end|>", "<|turn_end|>")),
      user: Frame("<|role_start|>user<|role_end|>", "<|turn_end|>"),
      assistant: Frame("<|role_start|>assistant<|role_end|>", "<|turn_end|>"),
      answerStart: "<|role_start|>assistant<|role_end|>"),
    ChatFormat(
      name: "command-r", marks: ["<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>"],
      lacks: ["<|START_RESPONSE|>"],
      system: .turn(Frame("<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>", "<|END_OF_TURN_TOKEN|>")),
      user: Frame("<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
      assistant: Frame("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
      answerStart: "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", trimming: .turns),
  ]

  private static let deepSeek: [ChatFormat] = [
    ChatFormat(
      name: "deepseek", marks: ["### Instruction:", "<|EOT|>"], system: .turn(Frame("", "")),
      user: Frame("### Instruction:\n", "\n"), assistant: Frame("### Response:\n", "\n<|EOT|>\n"),
      answerStart: "### Response:\n", ownSystemMark: "{%if not ns.found%}«"),
    ChatFormat(
      name: "deepseek2", marks: ["User: ", "Assistant: "],
      code: [
        "«\"User: \"+message.content+\"\n\n\"»", "«\"Assistant: \"+message.content+\"{eos}\"»",
      ],
      system: .turn(Frame("", "\n\n")), user: Frame("User: ", "\n\n"),
      assistant: Frame("Assistant: ", "{eos}"), answerStart: "Assistant:"),
    ChatFormat(
      name: "deepseek3", marks: ["<｜Assistant｜>", "<｜User｜>", "<｜end▁of▁sentence｜>"],
      code: ["«\"{bos}\"+ns.system_prompt"], system: .turn(Frame("", "")),
      user: Frame("<｜User｜>", ""), assistant: Frame("<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
      answerStart: "<｜Assistant｜>"),
  ]

  /// Roles between tokens for headers.
  private static let headers: [ChatFormat] = [
    // From Llama 3.1 on.
    ChatFormat(
      name: "llama3.1", marks: ["<|start_header_id|>", "<|end_header_id|>", "Today Date: "],
      system: .always(
        Frame(
          "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
            + "Today Date: {date}\n\n", "<|eot_id|>")),
      user: Frame("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
      assistant: Frame("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
      answerStart: "<|start_header_id|>assistant<|end_header_id|>\n\n",
      trimming: .everybodysIfSaid),
    ChatFormat(
      name: "llama3", marks: ["<|start_header_id|>", "<|end_header_id|>"], lacks: ["Today Date: "],
      system: .turn(Frame("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>")),
      user: Frame("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
      assistant: Frame("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
      answerStart: "<|start_header_id|>assistant<|end_header_id|>\n\n",
      trimming: .everybodysIfSaid),
    ChatFormat(
      name: "llama4", marks: ["<|header_start|>", "<|header_end|>"],
      system: .turn(Frame("<|header_start|>system<|header_end|>\n\n", "<|eot|>")),
      user: Frame("<|header_start|>user<|header_end|>\n\n", "<|eot|>"),
      assistant: Frame("<|header_start|>assistant<|header_end|>\n\n", "<|eot|>"),
      answerStart: "<|header_start|>assistant<|header_end|>\n\n", trimming: .everybodysIfSaid),
    ChatFormat(
      name: "granite", marks: ["<|start_of_role|>"],
      system: .turn(Frame("<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>\n")),
      user: Frame("<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>\n"),
      assistant: Frame("<|start_of_role|>assistant<|end_of_role|>", "<|end_of_text|>\n"),
      answerStart: "<|start_of_role|>assistant<|end_of_role|>"),
    ChatFormat(
      name: "exaone3", marks: ["[|system|]", "[|assistant|]", "[|endofturn|]"], lacks: ["[|tool|]"],
      system: .always(Frame("[|system|]", "[|endofturn|]\n")), user: Frame("[|user|]", "\n"),
      assistant: Frame("[|assistant|]", "[|endofturn|]\n"), answerStart: "[|assistant|]"),
  ]
}
