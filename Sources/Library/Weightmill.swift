// One import for all that the library promises.
@_exported public import WeightmillAllocation
@_exported public import WeightmillCalibration
@_exported public import WeightmillComparison
@_exported public import WeightmillConversion
@_exported public import WeightmillFeedback
@_exported public import WeightmillGGUF
@_exported public import WeightmillLLaMA
@_exported public import WeightmillMerging
@_exported public import WeightmillModels
@_exported public import WeightmillPyTorch
@_exported public import WeightmillQuantization
@_exported public import WeightmillReporting
@_exported public import WeightmillSafetensors
@_exported public import WeightmillTensors
@_exported public import WeightmillTokenization
@_exported public import WeightmillVerification
